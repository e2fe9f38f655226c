// Rotary pairs: a position as an angle
import { rotatePairs, tensor } from "@echo-ts/tensor";

const x = tensor([
  [1, 0],
  [1, 0],
  [1, 0],
  [1, 0],
]); // four positions, one pair
const angles = tensor([[0], [0.5], [1], [1.5]]);
const turned = rotatePairs(x, angles.cos(), angles.sin());
console.log(turned);
const dots = turned.matmul(turned.transpose());
image(dots, "Dot products of positions: only the distance counts");
check(Math.abs(dots.toArray()[0][1] - dots.toArray()[2][3]) < 1e-6, "equal distances, equal products");
