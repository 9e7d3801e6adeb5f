// Downloads a file, compares its checksum and hands it to the browser. The
// token is a header, so a link would not do.

const large = 256e6; // bytes; more is not kept in memory where the browser can write to disk

// download gets a file. open() answers with the response; progress(bytes) is
// told how far it is. It returns whether the checksum was compared, and throws
// when it is not the right one.
export async function download(file, open, progress) {
	if (file.length > large && window.showSaveFilePicker) {
		const handle = await window.showSaveFilePicker({ suggestedName: file.name });
		const response = await open();
		await response.body.pipeThrough(counting(progress)).pipeTo(await handle.createWritable());
		return false;
	}
	const response = await open();
	const blob = await new Response(response.body.pipeThrough(counting(progress)), { headers: { "Content-Type": "application/fhir+ndjson" } }).blob();
	return keep(file, blob);
}

// keep compares a file's checksum and saves it.
export async function keep(file, blob) {
	const compared = Boolean(globalThis.crypto?.subtle) && blob.size <= large; // only there over TLS or on this machine
	if (compared) {
		const sum = new Uint8Array(await crypto.subtle.digest("SHA-256", await blob.arrayBuffer()));
		const hex = [...sum].map((b) => b.toString(16).padStart(2, "0")).join("");
		if (hex !== file.checksum) throw new Error(`What came of ${file.name} has not the checksum that the manifest names. Download it again.`);
	}
	const a = document.createElement("a");
	a.href = URL.createObjectURL(blob);
	a.download = file.name;
	a.click();
	setTimeout(() => URL.revokeObjectURL(a.href), 60_000);
	return compared;
}

function counting(progress) {
	let n = 0;
	return new TransformStream({
		transform(chunk, controller) {
			n += chunk.length;
			progress(n);
			controller.enqueue(chunk);
		},
	});
}
