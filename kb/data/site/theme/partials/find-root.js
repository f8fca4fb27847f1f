// Where does the site begin? A host shows this page for any address that has none, at any depth, and
// the addresses in it were written before anybody knew where the site would lie.
(function () {
  "use strict";

  var written = document.currentScript.dataset.kbRoot.replace(/\/?$/, "/");
  var parts = location.pathname.split("/");
  var folders = parts.slice(0, -1).map(function (_, place) {
    return parts.slice(0, place + 1).join("/") + "/";
  });

  function isThere(answer) {
    // Some hosts answer every address with their own page.
    return answer.ok && /javascript/.test(answer.headers.get("content-type") || "");
  }

  // The nearest folder above that holds the site's script.
  function search() {
    var folder = folders.pop();
    if (folder === undefined) return Promise.resolve(written);
    return fetch(folder + "assets/kb/kb.js", { method: "HEAD" }).then(function (answer) {
      return isThere(answer) ? folder : search();
    }, search);
  }

  function moved(root) {
    if (root === written) return;
    ["href", "src"].forEach(function (name) {
      document.querySelectorAll("[" + name + "^='" + written + "']").forEach(function (element) {
        element.setAttribute(name, root + element.getAttribute(name).slice(written.length));
      });
    });
    document.querySelector("dialog.kb-search").dataset.kbRoot = root;
    // A script that could not be loaded is not tried again by another address.
    document.querySelectorAll("script[src]").forEach(function (old) {
      var script = document.createElement("script");
      script.src = old.src;
      old.replaceWith(script);
    });
  }

  var loaded = new Promise(function (resolve) { document.addEventListener("DOMContentLoaded", resolve); });
  Promise.all([search(), loaded]).then(function (known) { moved(known[0]); });
})();
