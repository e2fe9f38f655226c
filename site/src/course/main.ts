// The page "Course": the list of chapters.
import "../layout/page.ts";
