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
