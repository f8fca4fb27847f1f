// What the pages can do: switch the theme, copy a citation, search. No page needs it to be read.
(function () {
  "use strict";

  var root = document.documentElement;
  var dialog = document.querySelector("dialog.kb-search");
  var base = dialog ? new URL((dialog.dataset.kbRoot || ".").replace(/\/?$/, "/"), location.href) : null;

  // Theme
  function isDark() {
    var chosen = root.dataset.theme;
    return chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  }
  document.querySelectorAll("[data-kb-theme]").forEach(function (button) {
    button.addEventListener("click", function () {
      var next = isDark() ? "light" : "dark";
      root.dataset.theme = next;
      try {
        localStorage.setItem("kb-theme", next);
      } catch (error) {
        // Storage may be forbidden: the choice holds for this page.
      }
    });
  });

  // Citation
  document.querySelectorAll(".kb-cite").forEach(function (button) {
    button.addEventListener("click", function () {
      var day = document.querySelector(".kb-head time");
      var text = document.querySelector("h1").textContent + ". " +
        document.querySelector(".kb-brand span").textContent + ", " +
        (day ? day.dateTime : "") + ". " + location.href.split("#")[0];
      var done = function () {
        var old = button.textContent;
        button.textContent = "Copied";
        setTimeout(function () { button.textContent = old; }, 1500);
      };
      if (navigator.clipboard) navigator.clipboard.writeText(text).then(done, function () {});
    });
  });

  // Slides: one part of the page at a time on a whole screen, turned by keys or buttons.
  document.querySelectorAll("[data-kb-slides]").forEach(function (show) {
    var slides = Array.prototype.slice.call(show.querySelectorAll(".kb-slide"));
    var start = show.querySelector("[data-kb-present]");
    var bar = show.querySelector(".kb-turn");
    var place = show.querySelector("[data-kb-place]");
    var at = 0;

    function isOn() { return show.classList.contains("kb-presenting"); }
    function turn(to) {
      at = Math.max(0, Math.min(slides.length - 1, to));
      slides.forEach(function (slide, number) { slide.classList.toggle("kb-now-shown", number === at); });
      place.textContent = (at + 1) + " of " + slides.length;
      show.scrollTop = 0;
      slides[at].focus({ preventScroll: true });
    }
    function begin() {
      slides.forEach(function (slide) { slide.tabIndex = -1; });
      show.classList.add("kb-presenting");
      bar.hidden = false;
      // Where a whole screen is refused, as on phones, the window is filled.
      if (show.requestFullscreen) show.requestFullscreen().catch(function () {});
      turn(0);
    }
    function leave() {
      if (!isOn()) return;
      show.classList.remove("kb-presenting");
      bar.hidden = true;
      slides.forEach(function (slide) {
        slide.classList.remove("kb-now-shown");
        slide.removeAttribute("tabindex");
      });
      if (document.fullscreenElement === show) document.exitFullscreen();
      start.focus();
    }
    var KEYS = {
      ArrowRight: function () { turn(at + 1); },
      ArrowDown: function () { turn(at + 1); },
      PageDown: function () { turn(at + 1); },
      " ": function () { turn(at + 1); },
      ArrowLeft: function () { turn(at - 1); },
      ArrowUp: function () { turn(at - 1); },
      PageUp: function () { turn(at - 1); },
      Home: function () { turn(0); },
      End: function () { turn(slides.length - 1); },
      Escape: leave
    };
    document.addEventListener("keydown", function (event) {
      var pressed = event.target.closest && event.target.closest("button, a");
      if (!isOn() || event.ctrlKey || event.metaKey || event.altKey || !KEYS[event.key]) return;
      if (event.key === " " && pressed) return;
      event.preventDefault();
      KEYS[event.key]();
    });
    document.addEventListener("fullscreenchange", function () {
      if (!document.fullscreenElement) leave();
    });
    start.addEventListener("click", begin);
    show.querySelector("[data-kb-back]").addEventListener("click", function () { turn(at - 1); });
    show.querySelector("[data-kb-on]").addEventListener("click", function () { turn(at + 1); });
    show.querySelector("[data-kb-leave]").addEventListener("click", leave);
    start.hidden = false;
  });

  // Long lists
  if (base && document.querySelector("[data-kb-filters]")) {
    import(new URL("assets/kb/lists.js", base).href).then(function (module) { module.lists(document); });
  }

  // Paper cannot be unfolded. Where a page has a place for lists, they come after its numbers.
  var lists = document.querySelector("[data-kb-lists]");
  addEventListener("beforeprint", function () {
    document.querySelectorAll("details").forEach(function (folded) {
      var name = folded.querySelector(".kb-name");
      var card = folded.closest("figure");
      if (!lists || !(name || card)) {
        folded.open = true;
        return;
      }
      var part = document.createElement("section");
      var title = document.createElement("h3");
      title.textContent = name ? name.firstChild.textContent.trim() : card.querySelector("figcaption b").textContent;
      part.append(title);
      Array.prototype.slice.call(folded.children, 1).forEach(function (child) { part.append(child.cloneNode(true)); });
      lists.append(part);
    });
    document.querySelectorAll("[data-kb-filters] > [hidden], h2[hidden]").forEach(function (part) { part.hidden = false; });
  });
  addEventListener("afterprint", function () {
    if (lists) lists.querySelectorAll("section").forEach(function (part) { part.remove(); });
  });

  // Links into folded parts unfold them.
  function unfold() {
    var target = location.hash && document.getElementById(location.hash.slice(1));
    var folded = target && target.closest("details");
    if (folded) folded.open = true;
  }
  addEventListener("hashchange", unfold);
  unfold();

  // The table of contents shows where the reader is.
  var entries = Array.prototype.map.call(document.querySelectorAll(".kb-toc a"), function (link) {
    return { link: link, heading: document.getElementById(decodeURIComponent(link.hash.slice(1))) };
  }).filter(function (entry) { return entry.heading; });
  function follow() {
    var here = null;
    entries.forEach(function (entry) {
      if (entry.heading.getBoundingClientRect().top < 90) here = entry;
    });
    entries.forEach(function (entry) {
      if (entry === here) entry.link.setAttribute("aria-current", "true");
      else entry.link.removeAttribute("aria-current");
    });
  }
  if (entries.length) {
    addEventListener("scroll", function () { requestAnimationFrame(follow); }, { passive: true });
    follow();
  }

  // Search
  if (!dialog || !dialog.showModal) return;

  var MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ");
  var FACETS = ["severity", "class", "route", "tool", "year"];
  var PAGE = 10;
  var FEW = 3;
  var state = { engine: null, chosen: {}, at: -1, run: 0, opener: null, most: PAGE, drawn: [] };

  function element(tag, css, text) {
    var made = document.createElement(tag);
    if (css) made.className = css;
    if (text !== undefined) made.textContent = text;
    return made;
  }

  var box, list, facets, status, more;

  function build() {
    var form = element("form", "kb-search-form");
    form.setAttribute("role", "search");
    box = element("input", "kb-search-box");
    box.type = "search";
    box.placeholder = "Has this happened before?";
    box.autocomplete = "off";
    box.spellcheck = false;
    box.setAttribute("aria-label", "Search incidents");
    box.setAttribute("role", "combobox");
    box.setAttribute("aria-expanded", "false");
    box.setAttribute("aria-controls", "kb-results");
    box.setAttribute("aria-autocomplete", "list");
    var close = element("button", "kb-search-close", "Esc");
    close.type = "button";
    close.setAttribute("aria-label", "Close search");
    close.addEventListener("click", function () { dialog.close(); });
    form.append(box, close);
    facets = element("div", "kb-search-facets");
    status = element("p", "kb-search-status");
    status.setAttribute("role", "status");
    list = element("div", "kb-search-results");
    list.id = "kb-results";
    list.setAttribute("role", "listbox");
    list.setAttribute("aria-label", "Incidents found");
    more = element("button", "kb-search-more", "Show more");
    more.type = "button";
    more.hidden = true;
    more.addEventListener("click", function () {
      state.most += PAGE;
      search(0);
      box.focus();
    });
    dialog.append(form, facets, status, list, more);
    if (dialog.dataset.kbMeaning) offerMeaning();
    form.addEventListener("submit", function (event) {
      event.preventDefault();
      open(Math.max(state.at, 0));
    });
    box.addEventListener("input", function () { state.most = PAGE; search(30); });
    box.addEventListener("keydown", keys);
  }

  // Search by meaning, where the site holds it: its button puts it around the search by words.
  function offerMeaning() {
    import(new URL("semantic/meaning.js", base).href).then(function (meaning) {
      meaning.offer({
        facets: facets,
        megabytes: dialog.dataset.kbMeaning,
        say: function (text) { status.textContent = text; },
        use: function (around) { state.around = around; search(0); },
      }, base);
    }, function () {}); // without it, words are searched
  }

  function keys(event) {
    // A search box empties itself at the first Escape: one is enough to leave.
    if (event.key === "Escape") { event.preventDefault(); dialog.close(); return; }
    var options = list.children.length;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (options) select((state.at + (event.key === "ArrowDown" ? 1 : options - 1 + (state.at < 0))) % options);
    }
  }

  function select(place) {
    var old = list.children[state.at];
    if (old) old.setAttribute("aria-selected", "false");
    state.at = place;
    var now = list.children[place];
    if (!now) return box.removeAttribute("aria-activedescendant");
    now.setAttribute("aria-selected", "true");
    box.setAttribute("aria-activedescendant", now.id);
    now.scrollIntoView({ block: "nearest" });
  }

  function open(place) {
    var option = list.children[place];
    if (option) location.href = option.dataset.address;
  }

  // The full-text index where there is one, else titles and summaries of the list of incidents.
  function load() {
    if (state.engine) return state.engine;
    var titles = function () {
      return fetch(new URL("data/incidents.json", base)).then(function (r) { return r.json(); }).then(simple);
    };
    state.engine = "kbIndex" in dialog.dataset ? index().catch(titles) : titles();
    return state.engine;
  }

  function index() {
    // All at once: each that waits for another costs a way to the server and back.
    var known = words();
    atHand("pagefind/wasm.en.pagefind");
    return import(new URL("pagefind/pagefind.js", base).href).then(function (pagefind) {
      // In this thread: starting another costs more than the search takes.
      return pagefind.options({ excerptLength: 22, noWorker: true }).then(function () {
        return pagefind.init();
      }).then(function () { return full(pagefind, known); });
    });
  }

  // A file that will be asked for again is there then.
  function atHand(name, how) {
    quietly(fetch(new URL(name, base), how).then(function (answer) { return answer.arrayBuffer(); }));
  }

  // Its failure is said by whoever waits for it, if anybody does.
  function quietly(promise) {
    promise.catch(function () {});
  }

  // The words and names of the site; without them every word is asked as it is.
  function words() {
    var data = fetch(new URL("data/lexicon.json", base)).then(function (answer) { return answer.text(); });
    return Promise.all([import(new URL("assets/kb/lexicon.js", base).href), data]).catch(function () {});
  }

  function lexiconOf(loaded) {
    try {
      return new loaded[0].Lexicon(JSON.parse(loaded[1]));
    } catch (error) {
      // It did not come, or is none.
    }
    return { read: function (text) { return { text: text, unknown: [] }; }, named: function () { return []; } };
  }

  function read(results) {
    return Promise.all(results.map(function (result) { return result.data().then(said); }));
  }

  // What a result shows of its page.
  function said(page) {
    return {
      // The index reads each page as one file; on the site it is a folder.
      address: page.url.replace(/\.html$/, "/"),
      title: page.meta.title,
      date: page.meta.date || "",
      severity: ((page.filters || {}).severity || [""])[0],
      classes: (page.filters || {}).class || [],
      part: quoted(page),
      plain: page.meta.lead || "",
    };
  }

  // The part of a page that says most of what was asked, with its heading; none where only the
  // title or a fact does. What has no anchor is the title.
  function quoted(row) {
    var parts = (row.sub_results || []).filter(function (part) {
      return part.anchor && part.anchor.id !== "kb-facts" && /<mark>/.test(part.excerpt);
    });
    var weight = function (part) {
      // A list of addresses says least of what happened, and a heading is the same on every page.
      var worth = part.title === "Sources" ? 0.01 : 1;
      var begins = part.anchor.location + part.title.split(/\s+/).length;
      return worth * part.weighted_locations.reduce(function (sum, one) {
        return sum + (one.location < begins ? 0.01 : 1) * one.balanced_score;
      }, 0);
    };
    var best = parts.sort(function (a, b) { return weight(b) - weight(a); })[0];
    return best && { title: best.title, excerpt: best.excerpt };
  }

  // The index gives pages that have all the words, and a sentence as a question has few: then those
  // with some of them follow, best first.
  function widened(pagefind, found, filters) {
    var words = found.asked;
    if (found.total >= FEW || !/\S\s+\S/.test(words)) return found;
    return Promise.all([import(new URL("assets/kb/words.js", base).href), pagefind.search(null)]).then(function (loaded) {
      return loaded[0].loosely(pagefind, words, filters, loaded[1].results.length);
    }).then(function (loose) {
      return read(loose.map(function (one) { return one.result; }));
    }).then(function (rows) {
      var known = found.rows.map(function (row) { return row.address; });
      var more = rows.filter(function (row) { return known.indexOf(row.address) < 0; }).slice(0, PAGE - known.length);
      if (!more.length) return found;
      var all = found.total ? howMany(found.total) + " with all the words" : "No incident has all the words";
      return Object.assign({}, found, {
        rows: found.rows.concat(more), total: found.total + more.length,
        said: found.before + all + "; " + more.length + " with some of them" + (found.total ? " below" : ""),
        isLoose: true,
      });
    });
  }

  // A day as pages write it: 2 Jun 2026.
  function saidDay(day) {
    var parts = day.split("-").map(Number);
    return parts.length === 3 ? parts[2] + " " + MONTHS[parts[1] - 1] + " " + parts[0] : day;
  }

  function howMany(number) {
    return number + (number === 1 ? " incident" : " incidents");
  }

  // What is to be said of words that no incident has: another spelling is shown, or nothing.
  function unsaid(unknown) {
    return unknown.map(function (one) {
      return "No incident says “" + one.word + "”" + (one.near ? "; these say “" + one.near + "”. " : ". ");
    }).join("");
  }

  // The index and, once they have come, the words and names of the site. `early` is told what is
  // found as soon as the first few pages are read.
  function full(pagefind, known) {
    var filters = null;
    var lexicon = null;
    function ask(words, chosen) {
      return pagefind.search(words || null, { filters: chosen, sort: words ? {} : { date: "desc" } });
    }
    function begin(words, chosen) {
      var answer = ask(words, chosen).then(function (found) {
        var rows = found.results.slice(0, state.most).map(function (one) { return one.data().then(said); });
        rows.forEach(quietly);
        return { found: found, rows: rows };
      });
      quietly(answer);
      return answer;
    }
    // Whether what is left of a query without its unknown words is in most incidents, as "in a" is.
    function saysNothing(answer, asked, chosen) {
      if (!asked.unknown.some(function (one) { return !one.near; })) return Promise.resolve(false);
      return ask("", chosen).then(function (all) {
        return all.results.length > PAGE && answer.found.results.length > all.results.length / 2;
      });
    }
    return {
      widened: function (found, chosen) { return widened(pagefind, found, chosen); },
      // Counts come with results only once the filters are loaded, which can wait.
      counts: function (found, chosen) {
        filters = filters || pagefind.filters();
        return filters.then(function () { return ask(found.asked, chosen); }).then(function (all) { return all.filters; });
      },
      search: function (words, chosen, early) {
        // Nearly always the site has all words: the index is asked before that is known, and the
        // words are read while the pages it names are on their way.
        var asTyped = begin(words, chosen);
        return asTyped.then(function () { return known; }).then(function (loaded) {
          lexicon = lexicon || lexiconOf(loaded);
          var asked = lexicon.read(words);
          var named = Object.keys(chosen).length ? [] : lexicon.named(words);
          var before = named.length ? "" : unsaid(asked.unknown);
          var facts = { named: named, asked: asked.text, before: before };
          if (words && !asked.text) return Object.assign({ total: named.length, counts: {}, rows: [], said: before }, facts);
          return (asked.text === words ? asTyped : begin(asked.text, chosen)).then(function (answer) {
            return saysNothing(answer, asked, chosen).then(function (nothing) { return nothing ? null : answer; });
          }).then(function (answer) {
            if (!answer) return Object.assign(facts, { total: named.length, counts: {}, rows: [], said: before, asked: "" });
            var total = answer.found.results.length;
            var counts = Object.keys(answer.found.filters).length ? answer.found.filters : null;
            function told(rows) {
              return Object.assign({ total: total, counts: counts, rows: rows, said: before && before + howMany(total) }, facts);
            }
            if (early && total) {
              quietly(Promise.all(answer.rows.slice(0, FEW)).then(function (rows) {
                early(Object.assign(told(rows), { isPart: rows.length < answer.rows.length }));
              }));
            }
            return Promise.all(answer.rows).then(told);
          });
        });
      },
    };
  }

  function facts(record) {
    return { severity: [record.severity], class: record.classes, route: [record.route], tool: record.tools, year: [record.date.slice(0, 4)] };
  }

  function simple(data) {
    var all = data.incidents.map(function (record) {
      return { record: record, facts: facts(record), text: (record.title + " " + record.summary + " " + record.classes.join(" ")).toLowerCase() };
    });
    function counted(rows) {
      var counts = {};
      FACETS.forEach(function (name) { counts[name] = {}; });
      rows.forEach(function (row) {
        FACETS.forEach(function (name) {
          row.facts[name].forEach(function (value) { if (value) counts[name][value] = (counts[name][value] || 0) + 1; });
        });
      });
      return counts;
    }
    return {
      note: " · titles and summaries only",
      search: function (words, filters) {
        var parts = words.toLowerCase().split(/\s+/).filter(Boolean);
        var found = all.filter(function (row) {
          return parts.every(function (part) { return row.text.indexOf(part) >= 0; }) &&
            Object.keys(filters).every(function (name) { return row.facts[name].indexOf(filters[name]) >= 0; });
        });
        return Promise.resolve({
          total: found.length,
          counts: counted(found),
          rows: found.slice(0, state.most).map(function (row) {
            return {
              address: new URL("incidents/" + row.record.id + "/", base).href,
              title: row.record.title, date: row.record.date, severity: row.record.severity,
              plain: row.record.summary,
            };
          }),
        });
      },
    };
  }

  var waiting;
  function search(delay) {
    clearTimeout(waiting);
    waiting = setTimeout(function () {
      var run = ++state.run;
      load().then(function (engine) {
        var words = box.value.trim();
        var isDone = false;
        var isNew = dialog.dataset.shown !== words;
        var early = function (found) { if (run === state.run && isNew && !isDone) show(found, engine.note || "", words); };
        return (state.around ? state.around(engine).search(words, state.chosen) : engine.search(words, state.chosen, early)).then(function (found) {
          return state.around || !engine.widened ? found : engine.widened(found, state.chosen);
        }).then(function (found) {
          isDone = true;
          if (run !== state.run) return;
          show(found, engine.note || "", words);
          if (!found.counts) return engine.counts(found, state.chosen).then(function (counts) { if (run === state.run) showFacets(counts); });
        });
      }).catch(function () { status.textContent = "Search is not to be had here."; });
    }, delay);
  }

  // Rows that are there already stay as they are: the pointer may be on one of them.
  function draw(rows) {
    var drawn = rows.map(function (row) { return JSON.stringify(row); });
    var same = 0;
    while (same < drawn.length && drawn[same] === state.drawn[same]) same++;
    Array.prototype.slice.call(list.children, same).forEach(function (old) { old.remove(); });
    list.append.apply(list, rows.slice(same).map(function (row, place) { return option(row, same + place); }));
    state.drawn = drawn;
  }

  function show(found, note, words) {
    var rows = withNames(found.named || [], found.rows);
    var kept = dialog.dataset.shown === words ? state.at : -1;
    select(-1);
    draw(rows);
    list.setAttribute("aria-busy", String(Boolean(found.isPart)));
    box.setAttribute("aria-expanded", String(rows.length > 0));
    box.removeAttribute("aria-activedescendant");
    status.textContent = found.said ? found.said : rows.length > 0 ? howMany(found.total) :
      Object.keys(state.chosen).length ? "Nothing found within what is chosen above." :
      "Nothing found. Try fewer or other words.";
    status.textContent += note;
    // Where words find little, search by meaning is worth its load: its line says so.
    var isPoor = Boolean(words) && !found.isPart && !state.around && (found.isLoose || !rows.length);
    dialog.classList.toggle("kb-poor", isPoor);
    if (kept >= 0) select(kept);
    more.hidden = found.isPart || found.rows.length >= found.total;
    if (found.counts) showFacets(found.counts);
    dialog.dataset.shown = words;
  }

  // Pages that bear the name that was typed stand before those that speak of it.
  function withNames(named, rows) {
    var first = named.map(function (one) {
      var address = new URL(one.path + "/", base).href;
      var same = rows.filter(function (row) { return new URL(row.address, base).href === address; })[0];
      return same || { address: address, title: one.title, kind: one.kind && one.kind + " · " + howMany(one.count), plain: one.kind ? "" : one.name };
    });
    return first.concat(rows.filter(function (row) { return first.indexOf(row) < 0; }));
  }

  function option(row, place) {
    var made = element("div", "kb-result");
    made.id = "kb-result-" + place;
    made.setAttribute("role", "option");
    made.setAttribute("aria-selected", "false");
    made.dataset.address = row.address;
    var head = element("div", "kb-result-head");
    if (row.date) head.append(element("span", "kb-result-date", saidDay(row.date)));
    if (row.severity) head.append(element("span", "kb-sev" + row.severity.toLowerCase().replace("sev", ""), row.severity));
    if (row.kind) head.append(element("span", "", row.kind));
    (row.classes || []).slice(0, 2).forEach(function (name) { head.append(element("span", "kb-chip", name)); });
    if (row.near) head.append(element("span", "", "near in meaning: " + row.near));
    if (row.part) head.append(element("span", "kb-result-part", row.part.title));
    made.append(element("div", "kb-result-title", row.title), head);
    var excerpt = element("div", "kb-result-text");
    // The part's heading is named already.
    if (row.part) marked(asCut(withoutHeading(row.part)), excerpt);
    else excerpt.textContent = row.plain;
    made.append(excerpt);
    made.addEventListener("click", function (event) {
      if (event.ctrlKey || event.metaKey) window.open(row.address);
      else location.href = row.address;
    });
    made.addEventListener("mousemove", function () { if (state.at !== place) select(place); });
    return made;
  }

  // The words of the heading at the beginning of the excerpt, marked or not, are left out.
  function withoutHeading(part) {
    var words = part.excerpt.split(" ");
    var heading = (part.title + ".").split(/\s+/);
    var same = heading.every(function (word, place) {
      return words[place] !== undefined && words[place].replace(/<\/?mark>/g, "") === word;
    });
    return same ? words.slice(heading.length).join(" ") : part.excerpt;
  }

  // An excerpt that begins or ends within a sentence says so.
  function asCut(html) {
    var plain = html.replace(/<\/?mark>/g, "").trim();
    return (/^\p{Ll}/u.test(plain) ? "… " : "") + html.trim() + (/[.!?…]["”’)]?$/.test(plain) ? "" : " …");
  }

  // The excerpt is HTML with <mark>: only its words and marks are taken over.
  function marked(html, target) {
    var parsed = new DOMParser().parseFromString(html, "text/html");
    parsed.body.childNodes.forEach(function (node) {
      target.append(node.nodeName === "MARK" ? element("mark", "", node.textContent) : node.textContent);
    });
  }

  function showFacets(counts) {
    facets.replaceChildren.apply(facets, FACETS.map(function (name) {
      var known = Object.keys(counts[name] || {}).filter(function (v) { return counts[name][v] || state.chosen[name] === v; });
      known.sort(name === "year" ? undefined : name === "severity" ? undefined : function (a, b) { return counts[name][b] - counts[name][a]; });
      if (name === "year") known.reverse();
      var label = element("label", "kb-facet");
      var select = element("select");
      select.setAttribute("aria-label", "Only this " + name);
      select.append(new Option("Any " + name, ""));
      known.forEach(function (value) {
        select.append(new Option(value + " (" + (counts[name][value] || 0) + ")", value, false, state.chosen[name] === value));
      });
      select.addEventListener("change", function () {
        if (select.value) state.chosen[name] = select.value;
        else delete state.chosen[name];
        search(0);
        box.focus();
      });
      label.append(select);
      if (state.chosen[name]) label.classList.add("kb-on");
      label.hidden = known.length === 0;
      return label;
    }));
  }

  function start(opener) {
    if (!box) build();
    state.opener = opener || document.activeElement;
    if (!dialog.open) dialog.showModal();
    box.focus();
    box.select();
    load();
    // All incidents are shown to whoever only looks; a reader who types does not wait for them.
    search(box.value ? 0 : 300);
  }

  // What search runs by is fetched while nothing else is to be done, unless data is to be saved.
  function whenIdle(act) {
    if (navigator.connection && navigator.connection.saveData) return;
    if (window.requestIdleCallback) requestIdleCallback(act, { timeout: 5000 });
    else setTimeout(act, 1000);
  }
  if ("kbIndex" in dialog.dataset) {
    addEventListener("load", function () {
      whenIdle(function () {
        if (state.engine) return;
        ["pagefind/pagefind.js", "pagefind/wasm.en.pagefind", "assets/kb/lexicon.js"].forEach(function (name) {
          atHand(name, { priority: "low" });
        });
      });
    });
  }

  dialog.addEventListener("click", function (event) { if (event.target === dialog) dialog.close(); });
  dialog.addEventListener("close", function () { if (state.opener) state.opener.focus(); });
  document.querySelectorAll("[data-kb-search]").forEach(function (button) {
    button.addEventListener("click", function () { start(button); });
    // Starting the engine on the way to the button saves a tenth of a second.
    button.addEventListener("pointerenter", load, { once: true });
    button.addEventListener("focus", load, { once: true });
  });
  document.addEventListener("keydown", function (event) {
    var typing = event.target.closest && event.target.closest("input, textarea, select, [contenteditable]");
    var asked = (event.key === "/" || event.key === "s") && !event.ctrlKey && !event.metaKey && !event.altKey;
    var byPalette = event.key === "k" && (event.ctrlKey || event.metaKey);
    if (dialog.open || !(byPalette || (asked && !typing))) return;
    event.preventDefault();
    event.stopPropagation();
    start();
  }, true);
})();
