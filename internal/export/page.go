package export

// A job whose client allows partial manifests (Job.Partial) has its files listed in
// pages. Which files a page has depends on their numbers alone, so that a page never
// changes once it is there: page 1 has one file, page 2 the next two, and so on. Pages
// grow because an early file lets a client begin to download early, and large pages keep
// the number of requests small. What is known only at the end (the error files, the files
// of deletions and the totals) is on the last page.

// maxPageFiles is the most claim files that a page lists.
const maxPageFiles = 500

// pageFiles tells which claim files, by number, a page lists. Pages count from 1.
func pageFiles(page int) (first, last int) {
	if page <= maxPageFiles {
		last = page * (page + 1) / 2
	} else {
		last = maxPageFiles*(maxPageFiles+1)/2 + (page-maxPageFiles)*maxPageFiles
	}
	return last - min(page, maxPageFiles) + 1, last
}

// Page is a page of a job's manifest.
type Page struct {
	First, Last int  // the numbers of its claim files; Last < First: it has none
	Final       bool // it also has all other files, and no page follows
	Next        bool // the next page is there, too
}

// Page returns a page of a job with Partial, from 1; false if it is not there, or not
// yet. A page that was returned once is returned with the same files from then on.
func (j *Job) Page(number int) (Page, bool) {
	if !j.Partial || number < 1 || number > j.ReadyFiles+1 { // every page but the last has a file
		return Page{}, false
	}
	first, last := pageFiles(number)
	done := j.State == Completed
	switch {
	case last <= j.ReadyFiles:
		_, after := pageFiles(number + 1)
		return Page{First: first, Last: last, Next: done || after <= j.ReadyFiles}, true
	case done && first <= j.ReadyFiles+1:
		return Page{First: first, Last: j.ReadyFiles, Final: true}, true
	}
	return Page{}, false
}
