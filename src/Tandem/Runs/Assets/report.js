// Shows the values under the pointer. Without scripts the page lacks nothing else.
for (const plot of document.querySelectorAll(".plot")) {
  const svg = plot.querySelector("svg"), cursor = plot.querySelector(".cursor"), tip = plot.querySelector(".tip");
  const curves = JSON.parse(svg.dataset.points);
  const width = svg.viewBox.baseVal.width;
  const show = event => {
    const box = svg.getBoundingClientRect();
    const at = (event.clientX - box.left) / box.width * width;
    let place = null;
    const lines = [];
    for (const curve of curves) {
      if (!curve.p.length) continue;
      const near = curve.p.reduce((a, b) => Math.abs(b[0] - at) < Math.abs(a[0] - at) ? b : a);
      if (place === null) { place = near; lines.push(near[2]); }
      lines.push((curves.length > 1 ? curve.n + "  " : "") + near[3]);
    }
    if (place === null) return;
    cursor.setAttribute("x1", place[0]);
    cursor.setAttribute("x2", place[0]);
    cursor.classList.add("on");
    tip.textContent = lines.join("\n");
    tip.hidden = false;
    const left = place[0] / width * box.width;
    const right = left > box.width / 2;
    tip.style.left = right ? "auto" : left + 10 + "px";
    tip.style.right = right ? box.width - left + 10 + "px" : "auto";
  };
  const hide = () => { tip.hidden = true; cursor.classList.remove("on"); };
  plot.addEventListener("pointermove", show);
  plot.addEventListener("pointerdown", show);
  plot.addEventListener("pointerleave", hide);
}
// Shows the sample under the pointer, on both maps alike; a class alone while its name in the legend is pointed at or tapped.
for (const part of document.querySelectorAll(".embedding")) {
  const large = [...part.querySelectorAll(".map:not(.past) .plane circle")];
  const words = large.map(dot => dot.textContent);
  for (const dot of large) dot.replaceChildren(); // the words are shown below, not a second time by the browser
  const columns = Number(part.dataset.columns);
  for (const plane of part.querySelectorAll(".plane")) {
    const svg = plane.querySelector("svg"), tip = plane.querySelector(".tip");
    const dots = [...svg.querySelectorAll("circle")], places = dots.map(dot => [dot.cx.baseVal.value, dot.cy.baseVal.value]);
    const here = dots[0].cloneNode();
    here.setAttribute("class", "here");
    here.setAttribute("r", 20);
    const hide = () => { tip.hidden = true; here.remove(); };
    const show = event => {
      const box = svg.getBoundingClientRect(), scale = 1000 / box.width;
      const x = (event.clientX - box.left) * scale, y = (event.clientY - box.top) * scale;
      let near = -1, least = (28 * scale) ** 2;
      places.forEach((place, i) => {
        const apart = (place[0] - x) ** 2 + (place[1] - y) ** 2;
        if (apart < least) { least = apart; near = i; }
      });
      if (near < 0) return hide();
      const [cx, cy] = places[near];
      here.setAttribute("cx", cx);
      here.setAttribute("cy", cy);
      svg.append(here);
      tip.replaceChildren();
      if (columns) {
        const tile = document.createElement("i");
        tile.className = "tile";
        tile.style.setProperty("--x", near % columns);
        tile.style.setProperty("--y", Math.floor(near / columns));
        tip.append(tile);
      }
      tip.append(words[near]);
      tip.hidden = false;
      const fit = (at, room, size) => at + 16 + size > room && at - 16 - size > 0 ? at - 16 - size : Math.min(at + 16, Math.max(4, room - size - 4));
      tip.style.left = fit(cx / scale, box.width, tip.offsetWidth) + "px";
      tip.style.top = fit(cy / scale, box.height, tip.offsetHeight) + "px";
    };
    plane.addEventListener("pointermove", show);
    plane.addEventListener("pointerdown", show);
    // A finger leaves when it is lifted: what it tapped stays until something else is.
    plane.addEventListener("pointerleave", event => { if (event.pointerType !== "touch") hide(); });
    document.addEventListener("pointerdown", event => { if (!plane.contains(event.target)) hide(); });
  }
  let kept = null;
  const only = name => {
    part.classList.toggle("only", name !== null);
    for (const one of part.querySelectorAll(".plane circle, .plane > .tile")) one.classList.toggle("lit", name !== null && one.classList.contains(name));
    for (const one of part.querySelectorAll("[data-class]")) one.classList.toggle("lit", one.dataset.class === name);
  };
  for (const entry of part.querySelectorAll("[data-class]")) {
    entry.addEventListener("pointerenter", event => { if (event.pointerType === "mouse") only(entry.dataset.class); });
    entry.addEventListener("pointerleave", event => { if (event.pointerType === "mouse") only(kept); });
    entry.addEventListener("click", () => only(kept = kept === entry.dataset.class ? null : entry.dataset.class));
  }
}
// On paper nothing can be unfolded.
addEventListener("beforeprint", () => { for (const part of document.querySelectorAll("details")) part.open = true; });
