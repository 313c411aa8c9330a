// The HTTP API, and nothing else: every call of the page goes through here.
import { t } from "./i18n.js";

export class Refused extends Error {}

async function answered(path, options = {}) {
  let response;
  try {
    response = await fetch(path, options);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Refused(t("lost"));
  }
  if (response.ok) return response;
  if (response.status === 401 && !options.again) {
    await new Promise((resolve) => document.dispatchEvent(new CustomEvent("token", { detail: resolve })));
    return answered(path, { ...options, again: true });
  }
  const problem = await response.json().catch(() => ({}));
  throw new Refused(problem.detail ?? `${response.status} ${response.statusText}`);
}

export const getJson = async (path) => (await answered(path)).json();
export const getBlob = async (path, signal) => (await answered(path, { signal })).blob();
export const remove = (path) => answered(path, { method: "DELETE" });

export function form(fields) {
  const data = new FormData();
  for (const [name, value] of Object.entries(fields)) {
    if (value === null || value === undefined || value === "") continue;
    for (const one of Array.isArray(value) ? value : [value]) data.append(name, one);
  }
  return data;
}

export async function post(path, fields, headers = {}) {
  return (await answered(path, { method: "POST", body: form(fields), headers })).json();
}

export async function enter(token) {
  const response = await fetch("/v1/session", { method: "POST", headers: { Authorization: `Bearer ${token}` } });
  return response.ok;
}

// Calls `changed` with each state of a job until it has ended, and gives the last one.
export function watch(job, changed) {
  return new Promise((resolve, reject) => {
    const events = new EventSource(job.links.events);
    let failures = 0;
    events.addEventListener("progress", (event) => { failures = 0; changed(JSON.parse(event.data)); });
    events.addEventListener("end", (event) => { events.close(); resolve(JSON.parse(event.data)); });
    events.onerror = async () => {
      failures += 1;
      if (failures < 5) return; // the browser connects again by itself
      events.close();
      try { resolve(await ended(job.links.self)); } catch (error) { reject(error); }
    };
  });
}

async function ended(path) {
  for (;;) {
    const job = await getJson(path);
    if (["done", "failed", "cancelled"].includes(job.state)) return job;
    await new Promise((resolve) => setTimeout(resolve, 1000));
  }
}
