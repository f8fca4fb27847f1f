// Runs before the first paint, so that a chosen theme never flashes.
(function () {
  // Buttons that only a script can answer are shown by this.
  document.documentElement.classList.add("kb-scripted");
  try {
    var chosen = localStorage.getItem("kb-theme");
    if (chosen) document.documentElement.dataset.theme = chosen;
  } catch (error) {
    // Storage may be forbidden: the system's theme holds.
  }
})();
