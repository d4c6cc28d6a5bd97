"use strict";
const divs = [...document.querySelectorAll(".plot")];
const waiting = [...divs];
function draw(div) {
  const figure = JSON.parse(div.nextElementSibling.textContent);
  Plotly.newPlot(div, figure.data, figure.layout, { responsive: true, displayModeBar: false });
}
// One after the other, so that the page can be read and scrolled meanwhile.
function drawNext() {
  if (!waiting.length) return;
  draw(waiting.shift());
  setTimeout(drawNext);
}
drawNext();
// Paper has its own width, which a plot drawn for the screen does not know.
const PAPER_WIDTH_PX = Number(document.body.dataset.paperPx || 940);
addEventListener("beforeprint", () => {
  waiting.splice(0).forEach(draw);
  for (const div of divs) {
    const pair = div.closest(".plots").children.length > 1;
    Plotly.relayout(div, { width: pair ? PAPER_WIDTH_PX / 2 - 20 : PAPER_WIDTH_PX });
  }
});
addEventListener("afterprint", () => {
  for (const div of divs) Plotly.relayout(div, { width: null, autosize: true });
});
