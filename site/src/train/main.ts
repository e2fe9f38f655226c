// The page "Your ten words".
import "../layout/page.ts";
