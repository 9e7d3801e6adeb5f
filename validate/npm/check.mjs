// Reads NDJSON from standard input and validates each line as FHIR R4 with the
// npm package fhir. Prints each distinct fault once, and the number of lines.
import fhir from 'fhir';
import { createInterface } from 'node:readline';

const library = new fhir.Fhir();
const faults = new Set();
let lines = 0;
for await (const line of createInterface({ input: process.stdin })) {
	lines++;
	for (const m of library.validate(JSON.parse(line), { errorOnUnexpected: true }).messages) {
		if (m.severity === 'error' || m.severity === 'fatal') faults.add(`${m.location}: ${m.message}`);
	}
}
for (const f of faults) console.log(f);
console.log(`${lines} lines, ${faults.size} faults`);
process.exit(faults.size === 0 ? 0 : 1);
