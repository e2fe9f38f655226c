import webpack from "webpack";

const [, , project, out] = process.argv;
const settings = {
  mode: "production",
  entry: `${project}/main.js`,
  output: { path: out, filename: "main.js" },
  performance: { hints: false },
  // Optional packages, each loaded where it is asked for: webpack notes that they are not installed.
  ignoreWarnings: [/Can't resolve '(gpu\.js|@audio\/decode-mp[34])'/],
};
const stats = await new Promise((resolve, reject) => {
  webpack(settings, (error, found) => (error ? reject(error) : resolve(found)));
});
if (stats.hasErrors() || stats.hasWarnings()) throw new Error(stats.toString("errors-warnings"));
