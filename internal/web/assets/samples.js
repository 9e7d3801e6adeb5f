// The language of the examples is kept for the next page.

const key = "language";
const radios = [...document.querySelectorAll(".samples input[name=language]")];
const kept = radios.find((r) => r.value === sessionStorage.getItem(key));
if (kept) kept.checked = true;
for (const r of radios) r.addEventListener("change", () => sessionStorage.setItem(key, r.value));
document.querySelector('.contents [aria-current="page"]')?.scrollIntoView({ block: "nearest" });
