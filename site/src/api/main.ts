// The page "API".
import "../layout/page.ts";
