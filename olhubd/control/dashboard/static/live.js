// Keeps the page fresh: the stream says that something happened, and the parts marked `data-live` are asked for
// again. Without the stream it looks every ten seconds; without this script a reload does the same. A slash finds an
// order, Escape closes what is open.
(() => {
  "use strict";
  const lamp = document.getElementById("live");
  if (!lamp || !window.EventSource) return;
  let source = null, last = "", waiting = null, asking = false, again = false;

  const show = (on) => {
    lamp.hidden = false;
    lamp.textContent = on ? lamp.dataset.on : lamp.dataset.off;
    lamp.classList.toggle("on", on);
  };

  // What somebody is typing in, or has opened, is left as it is.
  const busy = (part) =>
    part.contains(document.activeElement) && document.activeElement.matches("input:not([type=checkbox]), select, textarea") ||
    part.querySelector("details[open]") !== null;

  const keys = (part) => new Set([...part.querySelectorAll("[data-key]")].map((row) => row.dataset.key));

  const put = (part, fresh) => {
    const before = keys(part), focused = part.contains(document.activeElement) ? document.activeElement : null;
    const href = focused && focused.getAttribute("href");
    const marked = new Set([...part.querySelectorAll("input:checked")].map((box) => box.value));
    part.replaceChildren(...fresh.childNodes);
    for (const box of part.querySelectorAll("input[type=checkbox]")) box.checked = marked.has(box.value);
    if ("class" in part.dataset) part.className = fresh.className;
    if (before.size)
      for (const row of part.querySelectorAll("[data-key]"))
        if (!before.has(row.dataset.key)) row.classList.add("fresh");
    if (href) {
      const same = [...part.querySelectorAll("a[href]")].find((link) => link.getAttribute("href") === href);
      if (same) same.focus({preventScroll: true});
    }
  };

  const look = async () => {
    waiting = null;
    if (document.hidden) { again = true; return; }
    if (asking) return plan(1000);
    asking = true;
    try {
      const answer = await fetch(location.href, {headers: {"X-Live": "1"}, credentials: "same-origin"});
      if (answer.redirected && new URL(answer.url).pathname === "/login") { location.reload(); return; }
      if (!answer.ok) return;
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      for (const part of document.querySelectorAll("[data-live]")) {
        const fresh = page.getElementById(part.id);
        if (fresh && fresh.innerHTML !== part.innerHTML && !busy(part)) put(part, fresh);
      }
    } catch { /* the daemon may just be starting again */ } finally { asking = false; }
  };

  const plan = (delay) => { if (waiting === null) waiting = setTimeout(look, delay); };

  const open = () => {
    source = new EventSource("/events/stream" + (last ? "?after=" + last : ""));
    source.onopen = () => { show(true); if (last) plan(0); };
    source.onerror = () => {
      show(false);
      if (source.readyState === EventSource.CLOSED) { plan(0); setTimeout(open, 10000); }
    };
    for (const kind of ["change", "anew", "tick"])
      source.addEventListener(kind, (event) => { last = event.lastEventId; plan(kind === "tick" ? 0 : 700); });
  };

  document.addEventListener("keydown", (event) => {
    const typing = event.target.matches("input, select, textarea");
    if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
      event.preventDefault();
      document.getElementById("find").focus();
    } else if (event.key === "Escape") {
      const opened = event.target.closest("details[open]");
      if (opened) { opened.open = false; opened.querySelector("summary").focus(); }
    }
  });
  // One form at a time: another one, or a click beside it, closes it.
  document.addEventListener("click", (event) => {
    for (const one of document.querySelectorAll(".ask[open], .menu[open]"))
      if (!one.contains(event.target)) one.open = false;
  });

  document.addEventListener("visibilitychange", () => { if (!document.hidden && again) { again = false; plan(0); } });
  window.addEventListener("pagehide", () => source && source.close());
  window.addEventListener("pageshow", (event) => { if (event.persisted) { open(); plan(0); } });
  open();
})();
