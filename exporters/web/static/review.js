// What scripts add to the review page: everything works without them.
"use strict";

// Keys: j and k go through the rows of a list, / to its search field.
const rows = () => Array.from(document.querySelectorAll("a[data-row]"));
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey || event.target.closest("input, textarea, select")) return;
  if (event.key === "/") {
    const field = document.querySelector("[data-search]");
    if (field) {
      event.preventDefault();
      field.focus();
      field.select();
    }
    return;
  }
  const step = { j: 1, k: -1 }[event.key];
  if (!step) return;
  const all = rows();
  const at = all.indexOf(document.activeElement);
  const next = all[at < 0 ? (step > 0 ? 0 : all.length - 1) : at + step];
  if (next) next.focus();
});

// A choice in a filter takes effect at once.
for (const form of document.querySelectorAll("form[method=get]")) {
  form.addEventListener("change", (event) => {
    if (event.target.matches("select")) form.requestSubmit();
  });
}

// Copy what a button names.
for (const button of document.querySelectorAll("[data-copy]")) {
  if (!navigator.clipboard) continue; // only over TLS and on this machine
  button.hidden = false;
  button.addEventListener("click", async () => {
    const label = button.textContent;
    try {
      await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent);
      button.textContent = "Copied";
    } catch {
      button.textContent = "Not allowed";
    }
    setTimeout(() => { button.textContent = label; }, 1500);
  });
}

// The name of who decides is kept in this browser.
for (const field of document.querySelectorAll("[data-remember]")) {
  try {
    field.value ||= localStorage.getItem("sentei-name") || "";
    field.form.addEventListener("submit", () => localStorage.setItem("sentei-name", field.value));
  } catch {
    // The browser keeps nothing: then it is typed again.
  }
}
