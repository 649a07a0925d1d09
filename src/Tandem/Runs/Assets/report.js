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
// On paper nothing can be unfolded.
addEventListener("beforeprint", () => { for (const part of document.querySelectorAll("details")) part.open = true; });
