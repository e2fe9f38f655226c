/** Version of this package, recorded in checkpoints and logs; package.json has the same. */
export const VERSION = "0.1.0";
