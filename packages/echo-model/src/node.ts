// What needs Node: import from "@echo-ts/echo-model/node". Everything else runs in a browser too.
export * from "./data/node-files.ts";
