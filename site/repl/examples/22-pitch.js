// Finding the pitch of a voice-like sound
import { harmonics, trackPitch } from "@echo-ts/audio";

const samples = harmonics(180, [1, 0.6, 0.4, 0.2], { sampleRate: 16000, seconds: 0.5 });
const track = trackPitch(samples, { sampleRate: 16000, hopLength: 160 });
plot(track.f0, "f0 in Hz by frame");
const middle = track.f0[25];
console.log("f0 in the middle", middle, "Hz");
check(Math.abs(middle - 180) < 2, "180 Hz is found");
