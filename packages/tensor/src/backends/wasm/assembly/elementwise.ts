import { exp } from "./math";
