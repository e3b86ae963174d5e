// The chooser on the network's picture, and the formula bar of the sheets. Everything is readable without it.
(function () {
  "use strict";

  function shown(value) {
    if (value === null || value === undefined) return "–";
    if (value === 0) return "0";
    var size = Math.abs(value);
    var text = size < 1e-4 || size >= 1e6
      ? value.toExponential(4).replace(/e([+-])(\d)$/, "e$10$2")
      : value.toFixed(6);
    return text.replace(/-/g, "−");
  }

  function chooser() {
    var source = document.getElementById("rows");
    var form = document.getElementById("chooser");
    if (!source || !form) return;
    var data = JSON.parse(source.textContent);
    var place = {};
    data.symbols.forEach(function (symbol, index) { place[symbol] = index; });
    var rate = document.getElementById("choose-rate");
    var range = document.getElementById("choose-iteration");
    var output = document.getElementById("choose-shown");
    var play = document.getElementById("choose-play");
    var cells = document.querySelectorAll("#network [data-q]");
    var caption = document.querySelector("#network figcaption");
    var timer = null;

    function show() {
      var row = data.values[Number(rate.value)][Number(range.value)];
      var iteration = data.iterations[Number(range.value)];
      cells.forEach(function (cell) { cell.textContent = shown(row[place[cell.dataset.q]]); });
      output.textContent = iteration.toLocaleString("en");
      range.setAttribute("aria-valuetext", "iteration " + iteration);
      caption.textContent = "The network with its numbers at " + rate.options[rate.selectedIndex].text +
        ", iteration " + iteration.toLocaleString("en") + ".";
    }

    function stop() {
      if (timer !== null) window.clearInterval(timer);
      timer = null;
      play.textContent = "Play";
      play.setAttribute("aria-pressed", "false");
    }

    rate.addEventListener("change", show);
    range.addEventListener("input", function () { stop(); show(); });
    play.addEventListener("click", function () {
      if (timer !== null) { stop(); return; }
      play.textContent = "Pause";
      play.setAttribute("aria-pressed", "true");
      if (Number(range.value) >= Number(range.max)) range.value = 0;
      timer = window.setInterval(function () {
        if (Number(range.value) >= Number(range.max)) { stop(); return; }
        range.value = Number(range.value) + 1;
        show();
      }, 120);
    });
    form.addEventListener("submit", function (event) { event.preventDefault(); });
    form.hidden = false;
    show();
  }

  function sheets() {
    document.querySelectorAll("section.sheet").forEach(function (section) {
      var bar = section.querySelector(".formula-bar");
      var table = section.querySelector("table.grid");
      if (!bar || !table) return;
      var where = bar.querySelector(".cell");
      var what = bar.querySelector("code");

      function tell(cell) {
        var formula = cell && cell.tagName === "TD" ? cell.querySelector("i") : null;
        if (!cell || cell.tagName !== "TD" || cell.parentNode.classList.contains("gap")) return;
        var column = table.tHead.rows[0].cells[cell.cellIndex];
        if (!column) return;
        where.textContent = column.textContent + cell.parentNode.cells[0].textContent;
        what.textContent = formula ? formula.textContent : cell.textContent;
      }

      table.addEventListener("mouseover", function (event) { tell(event.target.closest("td")); });
      table.addEventListener("click", function (event) {
        var cell = event.target.closest("td[tabindex]");
        if (cell) cell.focus();
      });
      table.addEventListener("focusin", function (event) { tell(event.target.closest("td")); });
      var first = table.querySelector("td[tabindex]");
      if (first) first.tabIndex = 0;
      table.addEventListener("keydown", function (event) {
        var step = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[event.key];
        var cell = event.target.closest("td");
        if (!step || !cell) return;
        event.preventDefault();
        var row = cell.parentNode;
        var index = cell.cellIndex;
        do {
          if (step[0]) row = step[0] < 0 ? row.previousElementSibling : row.nextElementSibling;
          index += step[1];
          var next = row && row.cells[index];
        } while (row && next && !next.hasAttribute("tabindex"));
        if (next) {
          cell.tabIndex = -1;
          next.tabIndex = 0;
          next.focus();
        }
      });
    });
  }

  function contents() {
    var box = document.querySelector("nav.contents details");
    if (box && window.matchMedia("(max-width: 70rem)").matches) box.removeAttribute("open");
    var links = {};
    document.querySelectorAll("nav.contents a").forEach(function (link) { links[link.hash.slice(1)] = link; });
    if (!("IntersectionObserver" in window)) return;
    var current = null;
    var seen = new IntersectionObserver(function (entries) {
      entries.forEach(function (entry) {
        if (!entry.isIntersecting) return;
        if (current) current.removeAttribute("aria-current");
        current = links[entry.target.id];
        current.setAttribute("aria-current", "true");
      });
    }, { rootMargin: "0px 0px -75% 0px" });
    Object.keys(links).forEach(function (id) {
      var target = document.getElementById(id);
      if (target) seen.observe(target);
    });
  }

  document.documentElement.classList.add("js");
  chooser();
  sheets();
  contents();
})();
