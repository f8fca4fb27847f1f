// Runs before the first paint, so that a chosen theme never flashes.
(function () {
  try {
    var chosen = localStorage.getItem("kb-theme");
    if (chosen) document.documentElement.dataset.theme = chosen;
  } catch (error) {
    // Storage may be forbidden: the system's theme holds.
  }
})();
