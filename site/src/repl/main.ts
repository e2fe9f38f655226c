// The page "REPL".
import "../layout/page.ts";
