// The page "Course".
import "../layout/page.ts";
