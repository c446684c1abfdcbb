"use strict";
for (const form of document.querySelectorAll("form.filter")) {
  const rows = [...document.getElementById(form.dataset.table).tBodies[0].rows];
  const search = form.querySelector("input[type=search]");
  const fixed = form.querySelector("input[value=fixed]");
  const boxes = [...form.querySelectorAll("fieldset input")];
  const filter = () => {
    const shown = new Set(boxes.filter((box) => box.checked).map((box) => box.value));
    const words = search.value.trim().toLowerCase();
    let count = 0;
    for (const row of rows) {
      row.hidden = !shown.has(row.cells[1].textContent.trim()) || (fixed.checked && row.cells[4].textContent.trim() === "") || !row.textContent.toLowerCase().includes(words);
      if (!row.hidden) count++;
    }
    form.querySelector("[role=status]").textContent = count + " of " + rows.length + " on this page";
  };
  form.addEventListener("input", filter);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.hidden = false;
  filter();
}
addEventListener("beforeprint", () => {
  for (const part of document.querySelectorAll("details")) part.open = true;
});
