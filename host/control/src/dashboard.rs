//! The dashboard's files, part of the binary.

macro_rules! files {
    ($($name:literal, $kind:literal, $file:literal;)+) => {
        /// Path, media type and bytes of each; the page itself is `index.html`.
        pub const FILES: &[(&str, &str, &[u8])] = &[
            $(($name, $kind, include_bytes!(concat!("../dashboard/", $file))),)+
        ];
    };
}

files! {
    "index.html", "text/html; charset=utf-8", "index.html";
    "style.css", "text/css; charset=utf-8", "style.css";
    "icon.svg", "image/svg+xml", "icon.svg";
    "access.js", "text/javascript; charset=utf-8", "access.js";
    "app.js", "text/javascript; charset=utf-8", "app.js";
    "charts.js", "text/javascript; charset=utf-8", "charts.js";
    "deeds.js", "text/javascript; charset=utf-8", "deeds.js";
    "dom.js", "text/javascript; charset=utf-8", "dom.js";
    "format.js", "text/javascript; charset=utf-8", "format.js";
    "past.js", "text/javascript; charset=utf-8", "past.js";
    "stream.js", "text/javascript; charset=utf-8", "stream.js";
    "tables.js", "text/javascript; charset=utf-8", "tables.js";
    "uPlot.esm.js", "text/javascript; charset=utf-8", "vendor/uPlot.esm.js";
    "uPlot.min.css", "text/css; charset=utf-8", "vendor/uPlot.min.css";
    "uPlot.LICENSE", "text/plain; charset=utf-8", "vendor/uPlot.LICENSE";
}
