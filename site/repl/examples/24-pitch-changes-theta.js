// vRoPE: the pitch chooses the base theta
import { geometricFrequencies, positionSimilarity, thetaFromPitch } from "@echo-ts/echo-model/model";

const config = { minTheta: 600, maxTheta: 2400, minPitchHz: 80, maxPitchHz: 600, referencePitchHz: 300 };
const rows = {};
for (const hz of [120, 300]) {
  const theta = thetaFromPitch(hz, config);
  console.log(hz, "Hz gives theta", theta);
  rows[`${hz} Hz`] = positionSimilarity(geometricFrequencies(theta, 64), 100).subarray(0, 100);
}
plot(rows, "Similarity of position 0 with the others");
check(Math.round(thetaFromPitch(300, config)) === 2400, "300 Hz gives the reference theta");
