// Requests to the server, each shown with its answer, and as curl.

import { addCopyButton } from "./copy.js";
import { el } from "./dom.js";

const root = new URL("../../", import.meta.url); // this file is /assets/CHECKSUM/wire.js

// Refusal is an answer that says no. Its message is what the server says.
export class Refusal extends Error {
	constructor(response, body) {
		const issues = (body?.issue ?? []).map((i) => i.details?.text).filter(Boolean);
		super(issues.join("\n") || body?.error_description || body?.error || `The server answered ${response.status}.`);
		this.retryAfter = Number(response.headers.get("Retry-After")) || 0;
	}
}

// Wire sends requests and writes them into a list. origin is the server's
// address for the commands; requests go where the page came from.
export class Wire {
	constructor(list, origin) {
		this.list = list;
		this.origin = origin;
		this.last = null;
	}

	// path makes a path of an address that the server gave, without what a proxy
	// takes away.
	path(address) {
		return address.slice(address.lastIndexOf("/api/v"));
	}

	// send sends a request {title, method, path, headers, secret, secretName, signal}
	// and returns the response. secret is the value of Authorization and is shown
	// as secretName. A request with the title of the last one is that one again, and
	// is written over it.
	async send(request) {
		const began = performance.now();
		const entry = this.entry(request);
		const headers = { ...request.headers };
		if (request.secret) headers.Authorization = request.secret;
		let response;
		try {
			response = await fetch(new URL(request.path.slice(1), root), { method: request.method ?? "GET", headers, signal: request.signal, credentials: "omit", cache: "no-store" });
		} catch (e) {
			entry.end(null, performance.now() - began, e.name === "AbortError" ? "stopped" : "no response");
			if (e.name === "AbortError") throw e;
			throw new Error("The server does not respond. Check that it is running and that this computer is connected to the network.", { cause: e });
		}
		entry.end(response, performance.now() - began);
		return response;
	}

	// json sends a request and reads the answer; one that says no is thrown. The
	// answer's body is shown, but for what hide takes out.
	async json(request, hide = (b) => b) {
		const response = await this.send(request);
		const text = await response.text();
		let body = null;
		try {
			body = text ? JSON.parse(text) : null;
		} catch {
			// not JSON: a proxy's page
		}
		if (body) this.last.body(JSON.stringify(hide(body), null, 2));
		if (!response.ok) throw new Refusal(response, body);
		return { response, body };
	}

	entry(request) {
		const again = this.last?.request.title === request.title;
		if (!again) {
			this.last = new Entry(request, this.curl(request));
			this.list.append(this.last.element);
		}
		this.last.times++;
		return this.last;
	}

	// curl is the request as a command for bash.
	curl({ method = "GET", path, headers = {}, secretName }) {
		const lines = [`curl -i${method === "GET" ? "" : ` -X ${method}`} "${this.origin}${path.replaceAll("$", "\\$")}"`];
		for (const [name, value] of Object.entries(headers)) lines.push(`-H "${name}: ${value}"`);
		if (secretName) lines.push(`-H "Authorization: ${secretName}"`);
		return lines.join(" \\\n    ");
	}
}

// Entry is one request in the list.
class Entry {
	constructor(request, curl) {
		this.request = request;
		this.times = 0;
		this.status = el("span", { class: "quiet" }, "…");
		this.command = el("div", { class: "command" }, el("pre", {}, el("code", {}, curl)));
		addCopyButton(this.command);
		this.answer = el("code", {});
		this.element = el("li", { class: "exchange" },
			el("h3", {}, el("span", {}, request.title), this.status),
			el("details", {}, el("summary", {}, `${request.method ?? "GET"} as curl`), this.command),
			el("details", { open: matchMedia("(min-width: 68rem)").matches }, el("summary", {}, "Response"), el("div", { class: "code", tabindex: 0, role: "group", "aria-label": "Response" }, el("pre", {}, this.answer))));
	}

	// end shows how the request was answered.
	end(response, took, instead) {
		this.element.classList.toggle("good", response?.ok ?? false);
		this.element.classList.toggle("bad", !response?.ok && instead !== "given up");
		const times = this.times > 1 ? `, ${this.times} times` : "";
		this.status.textContent = (response ? `${response.status} ${response.statusText}` : instead) + `, ${Math.round(took)} ms${times}`;
		const wanted = ["content-location", "x-progress", "retry-after", "content-type", "content-encoding", "content-length", "content-range", "etag", "expires", "www-authenticate", "x-request-id"];
		this.answer.textContent = response ? [`${response.status} ${response.statusText}`.trim(),
			...wanted.filter((h) => response.headers.has(h)).map((h) => `${h}: ${response.headers.get(h)}`)].join("\n") : instead;
	}

	// body shows the answer's body below its headers.
	body(text) {
		const most = 4000;
		this.answer.textContent += "\n\n" + (text.length > most ? text.slice(0, most) + "\n…" : text);
	}
}
