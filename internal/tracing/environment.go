package tracing

import (
	"cmp"
	"fmt"
	"os"
	"strings"

	"ab2d/internal/obs"
)

// defaultEndpoint is where OpenTelemetry has a collector, unless it is told otherwise.
const defaultEndpoint = "http://localhost:4318"

// Endpoint is the address of the collector that the environment names, without
// passwords; "" if nothing is to be sent. The error says which variable is wrong.
func Endpoint() (string, error) {
	if strings.EqualFold(os.Getenv("OTEL_SDK_DISABLED"), "true") {
		return "", nil
	}
	endpoint := cmp.Or(os.Getenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"), os.Getenv("OTEL_EXPORTER_OTLP_ENDPOINT"))
	switch exporter := os.Getenv("OTEL_TRACES_EXPORTER"); exporter {
	case "none":
		return "", nil
	case "otlp":
		endpoint = cmp.Or(endpoint, defaultEndpoint)
	case "":
		if endpoint == "" {
			return "", nil
		}
	default:
		return "", fmt.Errorf("OTEL_TRACES_EXPORTER=%s: traces can be sent by otlp only; write otlp, or none to send none", exporter)
	}
	for _, name := range []string{"OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"} {
		switch protocol := os.Getenv(name); protocol {
		case "":
			continue
		case "http/protobuf":
		default:
			return "", fmt.Errorf("%s=%s: traces can be sent by http/protobuf only; write that, and the port of the collector for it, which mostly is 4318, or set OTEL_TRACES_EXPORTER=none", name, protocol)
		}
		break // the first one counts
	}
	if !strings.HasPrefix(endpoint, "http://") && !strings.HasPrefix(endpoint, "https://") {
		return "", fmt.Errorf("OTEL_EXPORTER_OTLP_ENDPOINT=%s: write a URL that begins with http:// or https://", obs.HideSecrets(endpoint))
	}
	return obs.HideSecrets(endpoint), nil
}
