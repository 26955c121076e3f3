// Scripts of every page: the time zone, copying, and keys.
import "./preferences.js";
import "./copy.js";
import "./keys.js";
