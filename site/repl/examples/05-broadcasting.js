// Broadcasting: a column and a row make a table
import { tensor } from "@echo-ts/tensor";

const column = tensor([[0], [10], [20]]); // [3, 1]
const row = tensor([1, 2, 3]); // [3]
const table = column.add(row); // [3, 3]
console.log(table);
check(table.shape.join() === "3,3", "both stretch to [3, 3]");
