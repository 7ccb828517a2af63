// Starts the page: the only script that is not compiled from Rust. It is a classic script, so that
// the theme is there before the first paint.
"use strict";

try {
  const settings = JSON.parse(localStorage.getItem("retort.settings") ?? "{}");
  document.documentElement.dataset.theme = (settings.theme ?? "Auto").toLowerCase();
} catch {
  // Storage is refused, or holds something else: the system's theme it is.
}

// The page's policy lets no text become markup or code. This names the one exception: the script
// of the worker.
globalThis.trustedTypes?.createPolicy("default", {
  createScriptURL: (url) => (url === "retort-worker_loader.js" ? url : null),
});

import("./retort-page.js")
  .then((page) => page.default())
  .catch((error) => {
    const note = document.createElement("p");
    note.className = "crash";
    note.setAttribute("role", "alert");
    note.dataset.testid = "crash";
    note.textContent = `The page could not be started: ${error?.message ?? error}`;
    document.body.append(note);
  });
