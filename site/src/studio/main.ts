// The page "Studio".
import "../layout/page.ts";
