// The bearer token of a reader whom the server asks who they are. It is kept until the tab is closed.

import { byId, put } from "./dom.js";

const KEY = "leadsman-token";

export function headers() {
  const token = sessionStorage.getItem(KEY);
  return token ? { authorization: `Bearer ${token}` } : {};
}

export const forget = () => sessionStorage.removeItem(KEY);

// Shows the form, and waits for a token.
export function ask(why) {
  const form = byId("token"), text = byId("token-text");
  put(byId("token-why"), `${why}. A token: kubectl create token SERVICEACCOUNT`);
  form.hidden = false;
  return new Promise((resolve) => {
    form.onsubmit = (event) => {
      event.preventDefault();
      const token = text.value.trim();
      if (!token) return;
      sessionStorage.setItem(KEY, token);
      text.value = "";
      form.hidden = true;
      resolve();
    };
  });
}
