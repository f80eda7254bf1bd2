// What the page adds where scripts run: drop anywhere on the form, focus on the result, copy the evidence.
"use strict";
(() => {
  const form = document.getElementById("verify-form");
  const drop = document.getElementById("drop");
  const file = document.getElementById("file");
  const result = document.getElementById("result");

  function dress(root) {
    for (const button of root.querySelectorAll("[data-copy]")) button.hidden = !navigator.clipboard;
  }

  for (const kind of ["dragenter", "dragover"]) {
    form.addEventListener(kind, (event) => {
      if (!event.dataTransfer || !event.dataTransfer.types.includes("Files")) return;
      event.preventDefault();
      drop.classList.add("over");
    });
  }
  for (const kind of ["dragleave", "drop"]) {
    form.addEventListener(kind, () => drop.classList.remove("over"));
  }
  form.addEventListener("drop", (event) => {
    if (!event.dataTransfer || !event.dataTransfer.files.length) return;
    event.preventDefault();
    file.files = event.dataTransfer.files;
  });

  document.addEventListener("htmx:after:swap", () => {
    dress(result);
    const heading = result.querySelector(".focus");
    if (!heading) return;
    heading.focus({ preventScroll: true });
    result.scrollIntoView({ block: "start" });
  });

  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy]");
    if (!button) return;
    await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).value);
    const before = button.textContent;
    button.textContent = result.dataset.copied;
    setTimeout(() => { button.textContent = before; }, 2000);
  });

  dress(document);
})();
