// How a speaker's pitch bends the rotary position encoding: for each f0, how strongly a position sees its
// neighbours. Brighter is more alike; the width of the bright band is what pitch changes.
//   node examples/dist/pitch-rotary.js

import { resolveConfig } from "@echo-ts/echo-model";
import { geometricFrequencies, positionSimilarity, thetaFromPitch } from "@echo-ts/echo-model/model";

const POSITIONS = 64;
const PAIRS = 64; // a head width of 128
const SHADES = " .:-=+*#%@";
const { rotary } = resolveConfig().model;

/** One shade per distance, from negative to positive similarity. */
function shade(similarity: number): string {
  const level = Math.round(((similarity + 0.2) / 1.2) * (SHADES.length - 1));
  return SHADES[Math.min(SHADES.length - 1, Math.max(0, level))]!;
}

/** Distance at which similarity first falls below one half. */
function halfWidth(theta: number): number {
  const row = positionSimilarity(geometricFrequencies(theta, PAIRS), POSITIONS).subarray(0, POSITIONS);
  return row.findIndex((value) => value < 0.5);
}

console.log("similarity of position 0 to positions 0 ... 63, by the pitch of the speaker\n");
console.log("   f0 Hz    theta  below 1/2 at");
for (const hz of [80, 120, 160, 220, 300, 600]) {
  const theta = thetaFromPitch(hz, rotary);
  const row = positionSimilarity(geometricFrequencies(theta, PAIRS), POSITIONS).subarray(0, POSITIONS);
  const band = [...row].map(shade).join("");
  console.log(
    `${String(hz).padStart(8)} ${theta.toFixed(1).padStart(8)}  ${String(halfWidth(theta)).padStart(4)}  |${band}|`,
  );
}
const still = rotary.theta;
const row = positionSimilarity(geometricFrequencies(still, PAIRS), POSITIONS).subarray(0, POSITIONS);
console.log(
  `${"static".padStart(8)} ${still.toFixed(1).padStart(8)}  ${String(halfWidth(still)).padStart(4)}  |${[...row].map(shade).join("")}|`,
);
const [low, high] = [halfWidth(thetaFromPitch(80, rotary)), halfWidth(thetaFromPitch(600, rotary))];
console.log(`\nfrom 80 to 600 Hz the band widens by a factor of ${(high / low).toFixed(2)}`);
