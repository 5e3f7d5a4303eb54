// Airflow keeps the theme that a person chose under this name; else the system's holds.
const chosen = localStorage.getItem("theme");
const isDark = chosen === "dark" || (chosen !== "light" && matchMedia("(prefers-color-scheme: dark)").matches);
document.documentElement.dataset.theme = isDark ? "dark" : "light";
