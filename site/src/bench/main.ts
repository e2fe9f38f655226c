// The page "Benchmark".
import "../layout/page.ts";
