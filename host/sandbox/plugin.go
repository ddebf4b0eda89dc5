package sandbox

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/host/hostcall"
	"github.com/latticenet/lattice-host/host/sandbox/extism"
)

// Plugin is a loaded plugin. Its methods may be called by several goroutines at once; calls do not
// see each other.
type Plugin struct {
	id        identity
	manifest  *abi.Manifest
	runtime   *Runtime
	instances *instances
	// extism is the compiled module if it was made with an Extism PDK. Its instances are made again
	// for each call.
	extism *extism.Module
	life   *lifetime
	// fuel is what [Plugin.WithFuel] leaves of the manifest's; 0 leaves all.
	fuel int64
}

// Manifest returns the signed manifest. It must not be changed.
func (p *Plugin) Manifest() *abi.Manifest { return p.manifest }

// Digest returns the SHA-256 of the module, as sha256: and 64 lower-case hexadecimal digits.
func (p *Plugin) Digest() string { return p.id.digest }

// Close lets no more calls in, which answer [ErrClosed], waits for those inside and frees the
// compiled module. When ctx is done, it interrupts them. A call that waits for an instance is
// inside.
func (p *Plugin) Close(ctx context.Context) error {
	leave, err := p.runtime.life.enter()
	if err != nil {
		// The runtime has freed it.
		return nil
	}
	defer leave()
	return p.life.retire(ctx, func() error {
		p.instances.close()
		if p.extism != nil {
			return p.extism.Close(context.WithoutCancel(ctx))
		}
		return p.instances.compiled.Close(context.WithoutCancel(ctx))
	})
}

// Derive calls [abi.OpDerive] in the name of req.Step. It returns the answer, which keeps the form
// of a message but not more: package contract says what it breaks. Keys in it that this host does
// not know are returned, made fit for a terminal. Errors are those of [Plugin.Call]; an answer that
// is not a message gives an [*Error] that wraps [ErrBadAnswer].
func (p *Plugin) Derive(ctx context.Context, req *abi.Request) (*abi.Response, []string, error) {
	response := new(abi.Response)
	unknown, err := p.converse(ctx, req.Step, abi.OpDerive, req, response)
	if err != nil {
		return nil, nil, err
	}
	return response, unknown, nil
}

// Validate calls [abi.OpValidate]. It returns what [Plugin.Derive] does.
func (p *Plugin) Validate(ctx context.Context, req *abi.ValidateRequest) (*abi.ValidateResponse, []string, error) {
	response := new(abi.ValidateResponse)
	unknown, err := p.converse(ctx, "", abi.OpValidate, req, response)
	if err != nil {
		return nil, nil, err
	}
	return response, unknown, nil
}

// converse calls an operation with messages.
func (p *Plugin) converse(ctx context.Context, step string, op abi.Op, request abi.Encoder, response abi.Decoder) ([]string, error) {
	data, err := abi.Encode(nil, request, p.manifest.Encoding)
	if err != nil {
		return nil, p.id.fail(step, &outsideError{fmt.Errorf("request: %w", err)})
	}
	answer, err := p.Call(ctx, step, op, data)
	if err != nil {
		return nil, err
	}
	unknown, err := abi.Decode(answer, p.manifest.Encoding, abi.MaxResponseBytes, response)
	if err != nil {
		return nil, p.id.fail(step, fmt.Errorf("%w: %s", ErrBadAnswer, printable(err.Error(), maxShownLine)))
	}
	return shownKeys(unknown), nil
}

// Call runs an operation in the name of a step, which may be empty. Request and answer are in the
// plugin's encoding. The answer is not checked beyond its size.
//
// Every error is an [*Error]. When ctx ends the call, it wraps ctx.Err() and does not match
// [ErrPlugin].
func (p *Plugin) Call(ctx context.Context, step string, op abi.Op, request []byte) ([]byte, error) {
	answer, _, err := p.Measure(ctx, step, op, request)
	return answer, err
}

func (p *Plugin) call(ctx context.Context, step string, op abi.Op, request []byte) ([]byte, Usage, error) {
	if err := p.checkRequest(request); err != nil {
		return nil, Usage{}, err
	}
	// Everyone enters the runtime first; another order could end in a deadlock with Close.
	for _, l := range []*lifetime{p.runtime.life, p.life} {
		leave, err := l.enter()
		if err != nil {
			return nil, Usage{}, err
		}
		defer leave()
	}
	open, cancel := p.whileOpen(ctx)
	defer cancel()
	answer, usage, err := p.run(open, step, op, request)
	if interrupted(err) {
		return nil, usage, p.whyInterrupted(ctx)
	}
	return answer, usage, err
}

// run runs the operation in an instance. The plugin's time begins when it has one: it does not
// answer for a busy host.
func (p *Plugin) run(ctx context.Context, step string, op abi.Op, request []byte) ([]byte, Usage, error) {
	if ctx.Err() != nil {
		return nil, Usage{}, errInterrupted
	}
	if p.extism != nil {
		return p.runExtism(ctx, step, op, request)
	}
	i, err := p.instances.acquire(ctx)
	if err != nil {
		return nil, Usage{}, err
	}
	ctx, leave := p.runtime.watchdog.enter(ctx, p.id, i)
	defer leave()
	ctx, cancel := context.WithTimeout(ctx, p.timeout())
	defer cancel()
	answered := false
	defer func() {
		if answered {
			p.instances.pool.release(i)
			return
		}
		// Whatever went wrong in it, it is not the same any more. That includes a log function of
		// the caller that panicked.
		p.instances.pool.drop(i)
	}()
	answer, usage, err := p.runIn(ctx, i, step, op, request)
	answered = err == nil
	return answer, usage, endedFor(ctx, err)
}

// endedFor returns why a call was ended if the host did so to save itself, and otherwise err.
func endedFor(ctx context.Context, err error) error {
	var end *memoryError
	if interrupted(err) && errors.As(context.Cause(ctx), &end) {
		return fmt.Errorf("%w, %w: %w", ErrTrap, ErrMemory, end)
	}
	return err
}

func (p *Plugin) runIn(ctx context.Context, i *instance, step string, op abi.Op, request []byte) ([]byte, Usage, error) {
	if i.module == nil {
		if usage, err := p.make(ctx, i, step); err != nil {
			return nil, usage, err
		}
	}
	ctx, g := p.withGuest(ctx, step)
	defer g.log.flush()
	i.watch(g, uint64(len(request)))
	g.clock, g.fuel.guest = i.clock, i.fuel
	g.fuel.ration(p.fuel)
	answer, err := i.exchange(ctx, op, request)
	return answer, i.usage(g, err), err
}

// make makes the instance. That is the work of a guest of its own: the call that follows finds the
// clock, the random numbers and the fuel as it would in an instance that was kept. It returns what
// that guest took when it fails.
func (p *Plugin) make(ctx context.Context, i *instance, step string) (Usage, error) {
	// What it does at its start is the same for every call, so that no call's caller answers it.
	ctx, g := p.withGuest(hostcall.With(ctx, nil), step)
	defer g.log.flush()
	i.watch(g, 0)
	if err := p.instances.make(ctx, i); err != nil {
		return g.usage(i.memoryBytes, err), err
	}
	return Usage{}, nil
}

func (p *Plugin) withGuest(ctx context.Context, step string) (context.Context, *guest) {
	g := newGuest(p.id, step, p.manifest.Limits, p.runtime.config.Log)
	g.fuel.slices(ctx, p.runtime.config)
	g.encoding = p.manifest.Encoding
	return withGuest(ctx, g), g
}

func (p *Plugin) checkRequest(request []byte) error {
	limit := p.manifest.Limits.RequestBytes
	if limit <= 0 {
		limit = abi.DefaultRequestBytes
	}
	limit = min(limit, abi.MaxRequestBytes)
	switch {
	case len(request) == 0:
		return errors.New("the request is empty")
	case int64(len(request)) <= limit:
		return nil
	case limit < abi.MaxRequestBytes:
		return fmt.Errorf("%w: it has %s, the limit is %s; the plugin's author can raise it to %s with limits.requestBytes of the manifest",
			ErrRequestTooLarge, byteSize(len(request)), byteSize(limit), byteSize(abi.MaxRequestBytes))
	}
	return fmt.Errorf("%w: it has %s, no plugin takes more than %s; make the resource smaller",
		ErrRequestTooLarge, byteSize(len(request)), byteSize(limit))
}

// whileOpen returns a context that ends with ctx, and with the plugin and its runtime.
func (p *Plugin) whileOpen(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, unbindRuntime := p.runtime.life.bind(ctx)
	ctx, unbind := p.life.bind(ctx)
	return ctx, func() {
		unbind()
		unbindRuntime()
	}
}

func (p *Plugin) timeout() time.Duration {
	millis := p.manifest.Limits.TimeoutMillis
	if millis <= 0 {
		millis = abi.DefaultTimeoutMillis
	}
	return time.Duration(min(millis, abi.MaxTimeoutMillis)) * time.Millisecond
}

// whyInterrupted tells which context ended a call. Ctx is the caller's.
func (p *Plugin) whyInterrupted(ctx context.Context) error {
	switch {
	case ctx.Err() != nil:
		return &outsideError{fmt.Errorf("the call was interrupted: %w", ctx.Err())}
	case p.life.over.Err() != nil, p.runtime.life.over.Err() != nil:
		return &outsideError{ErrClosed}
	}
	return fmt.Errorf("%w: no answer within %s (limits.timeoutMillis of the manifest)", ErrTimeout, p.timeout())
}
