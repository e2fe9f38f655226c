// Word error rate
import { scoreText } from "@echo-ts/echo-model";

const score = scoreText({ reference: "one two three four", hypothesis: "one too four five" });
console.log(score);
check(
  score.words.substitutions + score.words.deletions + score.words.insertions === 3,
  "three edits are the least",
);
