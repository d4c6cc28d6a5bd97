"use strict";
const divs = [...document.querySelectorAll(".plot")];
for (const div of divs) {
  const figure = JSON.parse(div.nextElementSibling.textContent);
  Plotly.newPlot(div, figure.data, figure.layout, { responsive: true, displayModeBar: false });
}
// Paper has its own width, which a plot drawn for the screen does not know.
const PAPER_WIDTH_PX = 980;
addEventListener("beforeprint", () => {
  for (const div of divs) {
    const pair = div.closest(".plots").children.length > 1;
    Plotly.relayout(div, { width: pair ? PAPER_WIDTH_PX / 2 - 20 : PAPER_WIDTH_PX });
  }
});
addEventListener("afterprint", () => {
  for (const div of divs) Plotly.relayout(div, { width: null, autosize: true });
});
