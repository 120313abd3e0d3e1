// Sends each kind of value with the SDK for Go. OTEL_EXPORTER_OTLP_PROTOCOL chooses the exporters.
package main

import (
	"context"
	"log"
	"math"
	"net/http"
	"os"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlplog/otlploggrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlplog/otlploghttp"
	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetricgrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetrichttp"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	otellog "go.opentelemetry.io/otel/log"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/propagation"
	sdklog "go.opentelemetry.io/otel/sdk/log"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

var values = []attribute.KeyValue{
	attribute.String("text", "Zoë 東京 🚚 \"\\\n"),
	attribute.String("text.empty", ""),
	attribute.Bool("yes", true),
	attribute.Bool("no", false),
	attribute.Int64("int.max", math.MaxInt64),
	attribute.Int64("int.min", math.MinInt64),
	attribute.Float64("double", 0.1),
	attribute.Float64("double.max", math.MaxFloat64),
	attribute.Float64("double.min", math.SmallestNonzeroFloat64),
	attribute.Float64("double.infinite", math.Inf(1)),
	attribute.StringSlice("texts", []string{"ä", ""}),
	attribute.BoolSlice("bools", []bool{true, false}),
	attribute.Int64Slice("ints", []int64{math.MaxInt64, math.MinInt64}),
	attribute.Float64Slice("doubles", []float64{0.5, -1e-9}),
	attribute.StringSlice("list.empty", []string{}),
	attribute.ByteSlice("bytes", []byte{0, 255, 128, 1}),
	attribute.Map("map", attribute.Map("ä", attribute.Slice("b", attribute.IntValue(1), attribute.StringValue("two"), attribute.Float64Value(3.5), attribute.BoolValue(true)))),
	attribute.Slice("mixed", attribute.IntValue(1), attribute.StringValue("two"), attribute.SliceValue(attribute.BoolValue(false))),
}

type client struct {
	tracer   trace.Tracer
	logger   otellog.Logger
	parcels  metric.Int64Counter
	weight   metric.Float64Histogram
	level    metric.Float64Gauge
	largest  metric.Int64Gauge
	upstream propagation.TextMapPropagator
}

func (c client) values(ctx context.Context) {
	traceID, _ := trace.TraceIDFromHex("0af7651916cd43dd8448eb211c80319c")
	spanID, _ := trace.SpanIDFromHex("b7ad6b7169203331")
	other := trace.NewSpanContext(trace.SpanContextConfig{TraceID: traceID, SpanID: spanID, Remote: true})
	link := trace.Link{SpanContext: other, Attributes: []attribute.KeyValue{attribute.String("why", "früher"), attribute.Int("count", 7)}}
	ctx, span := c.tracer.Start(ctx, "values", trace.WithAttributes(values...), trace.WithLinks(link))
	defer span.End()
	span.AddEvent("geprüft ✓", trace.WithAttributes(attribute.Int("attempt", 2), attribute.String("note", "„gut“")))
	span.SetStatus(codes.Error, "leider voll 🚚")

	var record otellog.Record
	record.SetSeverity(otellog.SeverityWarn)
	record.SetBody(attribute.StringValue("Bestellung 42 – gepackt 📦"))
	record.AddAttributes(values...)
	c.logger.Emit(ctx, record)
	var event otellog.Record
	event.SetSeverity(otellog.SeverityInfo)
	event.SetEventName("packed")
	event.SetBody(attribute.MapValue(attribute.Int("ä", 1), attribute.Slice("b", attribute.BoolValue(true), attribute.StringValue("c")), attribute.ByteSlice("d", []byte{0, 255})))
	c.logger.Emit(ctx, event)

	c.parcels.Add(ctx, 3, metric.WithAttributes(attribute.String("route", "Köln")))
	for _, kilograms := range []float64{1.5, 7} {
		c.weight.Record(ctx, kilograms, metric.WithAttributes(attribute.String("request", span.SpanContext().TraceID().String())))
	}
	c.level.Record(ctx, 0.1)
	c.largest.Record(ctx, math.MaxInt64)
}

func (c client) ServeHTTP(response http.ResponseWriter, request *http.Request) {
	if request.URL.Path == "/values" {
		ctx := c.upstream.Extract(request.Context(), propagation.HeaderCarrier(request.Header))
		ctx, span := c.tracer.Start(ctx, "GET /values", trace.WithSpanKind(trace.SpanKindServer))
		c.values(ctx)
		span.End()
	}
	response.WriteHeader(http.StatusNoContent)
}

// exporters returns those of gRPC, or of HTTP, whose exporter of traces can also send JSON.
func exporters(ctx context.Context) (sdktrace.SpanExporter, sdklog.Exporter, sdkmetric.Exporter) {
	if os.Getenv("OTEL_EXPORTER_OTLP_PROTOCOL") == "grpc" {
		return must[sdktrace.SpanExporter](otlptracegrpc.New(ctx)), must[sdklog.Exporter](otlploggrpc.New(ctx)), must[sdkmetric.Exporter](otlpmetricgrpc.New(ctx))
	}
	return must[sdktrace.SpanExporter](otlptracehttp.New(ctx)), must[sdklog.Exporter](otlploghttp.New(ctx)), must[sdkmetric.Exporter](otlpmetrichttp.New(ctx))
}

func must[T any](value T, err error) T {
	if err != nil {
		log.Fatal(err)
	}
	return value
}

func main() {
	spans, records, points := exporters(context.Background())
	tracers := sdktrace.NewTracerProvider(sdktrace.WithBatcher(spans))
	loggers := sdklog.NewLoggerProvider(sdklog.WithProcessor(sdklog.NewBatchProcessor(records)))
	meters := sdkmetric.NewMeterProvider(sdkmetric.WithReader(sdkmetric.NewPeriodicReader(points)))
	meter := meters.Meter("client")
	server := client{
		tracer:   tracers.Tracer("client"),
		logger:   loggers.Logger("client"),
		parcels:  must(meter.Int64Counter("parcels", metric.WithUnit("{parcel}"))),
		weight:   must(meter.Float64Histogram("weight", metric.WithUnit("kg"))),
		level:    must(meter.Float64Gauge("level")),
		largest:  must(meter.Int64Gauge("largest")),
		upstream: propagation.TraceContext{},
	}
	log.Fatal(http.ListenAndServe("127.0.0.1:"+os.Getenv("PORT"), server))
}
