// el makes an element: attributes first, then what is in it. Text stays text.
export function el(name, attributes = {}, ...content) {
	const e = document.createElement(name);
	for (const [key, value] of Object.entries(attributes)) {
		if (key === "onclick") e.addEventListener("click", value);
		else if (value === true) e.setAttribute(key, "");
		else if (value !== false && value !== undefined) e.setAttribute(key, value);
	}
	e.append(...content.filter((c) => c !== undefined && c !== null && c !== ""));
	return e;
}

// bytes writes a number of bytes for people.
export function bytes(n) {
	for (const unit of ["bytes", "kB", "MB"]) {
		if (n < 1000) return `${unit === "bytes" || n >= 100 ? Math.round(n) : n.toFixed(1)} ${unit}`;
		n /= 1000;
	}
	return `${n.toFixed(2)} GB`;
}

// number writes a number for people.
export const number = (n) => Number(n).toLocaleString("en-US");

// offset writes a moment as a FHIR instant in the zone of the reader.
export function offset(t) {
	const two = (n) => String(Math.floor(Math.abs(n))).padStart(2, "0");
	const zone = -t.getTimezoneOffset();
	return `${t.getFullYear()}-${two(t.getMonth() + 1)}-${two(t.getDate())}T${two(t.getHours())}:${two(t.getMinutes())}:${two(t.getSeconds())}${zone < 0 ? "-" : "+"}${two(zone / 60)}:${two(zone % 60)}`;
}

const moments = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "long" });

// moment writes a time as the reader's language and zone have it, with the zone.
export const moment = (t) => moments.format(new Date(t));
