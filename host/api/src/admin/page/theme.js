// Light and dark: as the system has it, or as the reader chooses.

import { byId, put } from "./dom.js";

const KEY = "leadsman-theme", CHOICES = ["auto", "dark", "light"];
const NAMES = { auto: "Colours: system", dark: "Colours: dark", light: "Colours: light" };

function apply(choice) {
  const root = document.documentElement;
  if (choice === "auto") delete root.dataset.theme;
  else root.dataset.theme = choice;
  put(byId("theme"), NAMES[choice]);
}

export function start() {
  let choice = localStorage.getItem(KEY);
  if (!CHOICES.includes(choice)) choice = "auto";
  apply(choice);
  byId("theme").addEventListener("click", () => {
    choice = CHOICES[(CHOICES.indexOf(choice) + 1) % CHOICES.length];
    localStorage.setItem(KEY, choice);
    apply(choice);
  });
}
