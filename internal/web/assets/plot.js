// Pictures of numbers over time, as SVG.

const hour = new Intl.DateTimeFormat(undefined, { timeStyle: "medium" });
const left = 84;
const right = 12;

function shape(name, attributes, text) {
	const e = document.createElementNS("http://www.w3.org/2000/svg", name);
	for (const [key, value] of Object.entries(attributes)) e.setAttribute(key, value);
	if (text !== undefined) e.textContent = text;
	return e;
}

// frame is an empty picture with a time axis from begin to end, in ms. A unit of
// it is a pixel of the screen, so that its words stay readable on a phone.
function frame(width, height, label, begin, end) {
	const svg = shape("svg", { viewBox: `0 0 ${width} ${height}`, class: "plot", role: "img", "aria-label": label });
	const x = (t) => left + ((t - begin) / Math.max(1, end - begin)) * (width - left - right);
	const ticks = width < 600 ? 2 : 4;
	for (let i = 0; i <= ticks; i++) {
		const t = begin + (i / ticks) * (end - begin);
		const anchor = i === 0 ? "start" : i === ticks ? "end" : "middle";
		svg.append(shape("text", { x: x(t), y: height - 6, "text-anchor": anchor }, hour.format(t)));
	}
	return { svg, x, width };
}

// nice is a round number that is not below n.
function nice(n) {
	const power = 10 ** Math.floor(Math.log10(Math.max(1, n)));
	return [1, 2, 5, 10].map((k) => k * power).find((k) => k >= n);
}

// area draws a line with the ground below it filled. points are [ms, value];
// write turns a value into words.
function area({ svg, x, width }, points, top, bottom, most, write) {
	for (const part of [0, 0.5, 1]) {
		const y = bottom - part * (bottom - top);
		svg.append(shape("line", { x1: left, x2: width - right, y1: y, y2: y, class: "grid" }), shape("text", { x: left - 8, y: y + 4, "text-anchor": "end" }, write(part * most)));
	}
	if (points.length < 2) return;
	const at = points.map(([t, v]) => `${x(t).toFixed(1)},${(bottom - (v / most) * (bottom - top)).toFixed(1)}`);
	svg.append(shape("polygon", { points: `${x(points[0][0])},${bottom} ${at.join(" ")} ${x(points.at(-1)[0])},${bottom}`, class: "ground" }), shape("polyline", { points: at.join(" "), class: "line" }));
}

// overTime is a picture of a number, [ms, value] each, that is at least least
// high and a minute long.
export function overTime(points, width, what, least, write) {
	const end = points.at(-1)?.[0] ?? Date.now();
	const begin = Math.min(points[0]?.[0] ?? end, end - 60_000);
	const highest = Math.max(0, ...points.map(([, v]) => v));
	const picture = frame(width, 190, `${what}: ${write(points.at(-1)?.[1] ?? 0)} now, ${write(highest)} at most`, begin, end);
	area(picture, points, 14, 160, nice(Math.max(least, highest)), write);
	return picture.svg;
}

// jobPicture is a job over time: its progress, [ms, percent] each, and below it
// who worked on which part when, {worker, part, from, to} each.
export function jobPicture(points, spans, width) {
	const workers = [...new Set(spans.map((s) => s.worker))].sort();
	const times = [...points.map(([t]) => t), ...spans.flatMap((s) => [s.from, s.to])];
	const begin = Math.min(...times);
	const end = Math.max(...times, begin + 1000);
	const row = 18;
	const label = `Progress from ${points[0][1]} to ${points.at(-1)[1]} percent; ${spans.length} parts by ${workers.length} workers were seen`;
	const picture = frame(width, 160 + workers.length * row, label, begin, end);
	const { svg, x } = picture;
	area(picture, points, 14, 120, 100, (v) => `${v} %`);
	for (const s of spans) {
		const bar = shape("rect", { x: x(s.from), y: 132 + workers.indexOf(s.worker) * row, width: Math.max(2, x(s.to) - x(s.from)), height: row - 5, rx: 2, class: `bar bar${s.part % 4}` });
		bar.append(shape("title", {}, `${s.worker}: part ${s.part}`));
		svg.append(bar);
	}
	workers.forEach((w, i) => svg.append(shape("text", { x: left - 8, y: 143 + i * row, "text-anchor": "end" }, w.length > 10 ? `…${w.slice(-9)}` : w)));
	return svg;
}

// columns is a picture with a column for each [name, number], in order.
export function columns(list, width, what, write) {
	const height = 200;
	const bottom = height - 24;
	const most = nice(Math.max(1, ...list.map(([, n]) => n)));
	const highest = list.reduce((a, b) => (b[1] > a[1] ? b : a), ["", 0]);
	const svg = shape("svg", { viewBox: `0 0 ${width} ${height}`, class: "plot", role: "img", "aria-label": `${what}: from ${list[0]?.[0]} to ${list.at(-1)?.[0]}, at most ${write(highest[1])} in ${highest[0]}` });
	for (const part of [0, 0.5, 1]) {
		const y = bottom - part * (bottom - 14);
		svg.append(shape("line", { x1: 56, x2: width - right, y1: y, y2: y, class: "grid" }), shape("text", { x: 48, y: y + 4, "text-anchor": "end" }, write(part * most)));
	}
	const step = (width - 56 - right) / Math.max(1, list.length);
	list.forEach(([name, n], i) => {
		const h = (n / most) * (bottom - 14);
		const bar = shape("rect", { x: 56 + i * step + step * 0.1, y: bottom - h, width: Math.max(1, step * 0.8), height: h, class: "bar" });
		bar.append(shape("title", {}, `${name}: ${write(n)}`));
		svg.append(bar);
		if (name.endsWith("-01") && width / list.length > 4) svg.append(shape("text", { x: 56 + i * step, y: height - 6 }, name.slice(0, 4)));
	});
	return svg;
}
