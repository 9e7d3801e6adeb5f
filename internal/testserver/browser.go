package testserver

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// Tab is a tab of a real browser. What the page complains about in the
// console, and what its Content-Security-Policy forbade, fails the test.
type Tab struct {
	*testing.T
	Downloads string // where the browser puts what it downloads
	ctx       context.Context
	mu        sync.Mutex
	expected  []string // parts of complaints that are no fault
}

// Browser starts a headless Chromium and opens a tab.
func Browser(t *testing.T) *Tab {
	t.Helper()
	if testing.Short() {
		t.Skip("starts a browser, which -short leaves out")
	}
	path, err := findChromium()
	if err != nil {
		missing(t, err)
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.WindowSize(1400, 1000), chromedp.Flag("disable-dev-shm-usage", true))
	if os.Getuid() == 0 {
		options = append(options, chromedp.NoSandbox) // which Chromium's own sandbox asks for
	}
	ctx, cancel := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(cancel)
	ctx, cancelTab := chromedp.NewContext(ctx)
	t.Cleanup(cancelTab)
	b := &Tab{T: t, Downloads: t.TempDir(), ctx: ctx}
	if err := chromedp.Listen(ctx, b.listen); err != nil { // which starts the browser, for as long as the context lives
		t.Fatalf("start the browser: %v", err)
	}
	call(b, log.Enable, cdp.Empty{})
	if _, err := chromedp.CallBrowser(ctx, browser.SetDownloadBehavior, browser.SetDownloadBehaviorParams{
		Behavior: browser.SetDownloadBehaviorBehaviorAllow, DownloadPath: b.Downloads,
	}); err != nil {
		t.Fatalf("tell the browser where to download: %v", err)
	}
	return b
}

func findChromium() (string, error) {
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("chromium: %w", exec.ErrNotFound)
}

// Expect lets the console name failures that a test brings about.
func (b *Tab) Expect(part string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.expected = append(b.expected, part)
}

func (b *Tab) listen(event any) {
	switch e := event.(type) {
	case *runtime.EventExceptionThrown:
		text, _ := json.Marshal(e.ExceptionDetails)
		b.complaint(string(text))
	case *runtime.EventConsoleAPICalled:
		if e.Type == runtime.ConsoleAPICalledTypeError || e.Type == runtime.ConsoleAPICalledTypeWarning {
			text, _ := json.Marshal(e.Args)
			b.complaint(string(text))
		}
	case *log.EventEntryAdded:
		if e.Entry.Level == log.EntryLevelError || e.Entry.Level == log.EntryLevelWarning {
			b.complaint(e.Entry.Text + " " + e.Entry.URL)
		}
	}
}

func (b *Tab) complaint(text string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, e := range b.expected {
		if strings.Contains(text, e) {
			return
		}
	}
	b.Errorf("the browser complains: %s", text)
}

// patience is how long the browser may take for anything.
const patience = 30 * time.Second

// Do does something in the browser, which must come to its end in a while.
func (b *Tab) Do(actions ...chromedp.Action[chromedp.Void]) {
	b.Helper()
	run(b, chromedp.Steps(actions...))
}

func run[T any](b *Tab, action chromedp.Action[T]) T {
	b.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	v, err := chromedp.Run(ctx, action)
	if err != nil {
		b.Fatalf("in the browser: %v", err)
	}
	return v
}

// call sends a command of the protocol.
func call[P, R any](b *Tab, command cdp.Command[P, R], params P) R {
	b.Helper()
	return run(b, func(ctx context.Context, t *chromedp.Target) (R, error) { return cdp.Call(ctx, t, command, params) })
}

// Resize makes the window so many pixels wide.
func (b *Tab) Resize(width int64) {
	b.Helper()
	call(b, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: width, Height: 900, DeviceScaleFactor: 1, Mobile: width < 600})
}

// Open goes to an address, at a width of so many pixels.
func (b *Tab) Open(address string, width int64) {
	b.Helper()
	b.Resize(width)
	b.Do(chromedp.Navigate(address), chromedp.WaitReady(chromedp.CSS("footer")))
}

// Dark lets the person prefer dark pages, or not.
func (b *Tab) Dark(dark bool) {
	b.Helper()
	value := map[bool]string{true: "dark", false: "light"}[dark]
	call(b, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: value}}})
}

// Click clicks an element, found by its CSS selector, when it can be seen.
func (b *Tab) Click(selector string) {
	b.Helper()
	b.Do(chromedp.Click(chromedp.CSS(selector)))
}

// In lets the tab belong to a subtest.
func (b *Tab) In(t *testing.T) {
	b.mu.Lock()
	defer b.mu.Unlock()
	before := b.T
	b.T, b.expected = t, nil
	t.Cleanup(func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.T = before
	})
}

// Keys.
const (
	Tabulator  = kb.Tab
	Enter      = kb.Enter
	ArrowRight = kb.ArrowRight
)

// Press presses a key.
func (b *Tab) Press(key string) {
	b.Helper()
	b.Do(chromedp.KeyEvent(key))
}

// Permit lets the page use the clipboard.
func (b *Tab) Permit(origin string) {
	b.Helper()
	for _, name := range []string{"clipboard-read", "clipboard-write"} {
		if _, err := chromedp.CallBrowser(b.ctx, browser.SetPermission, browser.SetPermissionParams{
			Permission: &browser.PermissionDescriptor{Name: name}, Setting: browser.PermissionSettingGranted, Origin: origin,
		}); err != nil {
			b.Fatalf("permit %s: %v", name, err)
		}
	}
}

// Eval evaluates JavaScript, waits for its promise, and gives its value.
func Eval[T any](b *Tab, script string) T {
	b.Helper()
	return run(b, chromedp.Evaluate[T](script, chromedp.EvalAwaitPromise))
}

// Until waits until a JavaScript expression is true.
func (b *Tab) Until(expression string) {
	b.Helper()
	b.Wait(expression, func() bool { return Eval[bool](b, "Boolean("+expression+")") })
}

// Wait waits for something that the browser brings about.
func (b *Tab) Wait(what string, done func() bool) {
	b.Helper()
	look, deadline := time.NewTicker(20*time.Millisecond), time.After(patience)
	defer look.Stop()
	for !done() {
		select {
		case <-look.C:
		case <-deadline:
			b.Screenshot("waited-in-vain")
			b.Fatalf("waited in vain for %s", what)
		}
	}
}

// Screenshot writes a picture of the page, down to where most people stop
// reading, to the directory that AB2D_TEST_SCREENSHOTS names; without one there
// is none.
func (b *Tab) Screenshot(name string) {
	b.Helper()
	dir := os.Getenv("AB2D_TEST_SCREENSHOTS")
	if dir == "" {
		return
	}
	size := Eval[[]float64](b, `[innerWidth, Math.min(document.documentElement.scrollHeight, 3000)]`)
	yes := true
	shot := call(b, page.CaptureScreenshot, page.CaptureScreenshotParams{
		Clip: &page.Viewport{Width: size[0], Height: size[1], Scale: 1}, CaptureBeyondViewport: &yes, OptimizeForSpeed: &yes,
	})
	if err := os.MkdirAll(dir, 0o755); err != nil {
		b.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, name+".png"), shot.Data, 0o644); err != nil {
		b.Fatal(err)
	}
}

// Accessible checks the page with axe-core, whose file AB2D_TEST_AXE names, by
// the rules named or by all.
func (b *Tab) Accessible(rules ...string) {
	b.Helper()
	file := os.Getenv("AB2D_TEST_AXE")
	if file == "" {
		if os.Getenv("AB2D_TEST_SERVERS") == "require" {
			b.Error("AB2D_TEST_AXE does not name axe-core's file")
		}
		b.Log("not checked with axe-core: AB2D_TEST_AXE is not set; ./test sets it")
		return
	}
	source, err := os.ReadFile(file)
	if err != nil {
		b.Fatal(err)
	}
	options, err := json.Marshal(map[string]any{"runOnly": rules})
	if err != nil {
		b.Fatal(err)
	}
	if len(rules) == 0 {
		options = []byte("{}")
	}
	faults := Eval[[]string](b, string(source)+`; axe.run(`+string(options)+`).then(r => r.violations.map(v => v.id + ": " + v.help + ": " + v.nodes.slice(0, 3).map(n => n.html).join(" | ")))`)
	for _, f := range faults {
		b.Errorf("axe: %s", f)
	}
}
