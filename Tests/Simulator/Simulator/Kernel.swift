// SPDX-License-Identifier: Apache-2.0
internal import CSimulator

/// The simulated kernel under one run: sockets, operations and time in memory, and the one source
/// of chance.
final class Kernel {
    private let pointer: OpaquePointer

    init(seed: UInt64, printsTrace: Bool) {
        guard let pointer = sim_kernel_new(seed) else { fatalError("no memory for a kernel") }
        self.pointer = pointer
        sim_print_trace(pointer, printsTrace)
    }

    deinit { sim_kernel_free(pointer) }

    /// For `BackendOptions.opening`.
    var opening: UInt { UInt(sim_opening(pointer)) }

    /// What is called while the ring waits, with the time until when.
    var world: (_ deadline: UInt64) -> Void = { _ in } {
        didSet {
            sim_set_world(
                pointer,
                { context, deadline in
                    guard let context else { return }
                    Unmanaged<Kernel>.fromOpaque(context).takeUnretainedValue().world(deadline)
                }, Unmanaged.passUnretained(self).toOpaque())
        }
    }

    // MARK: Chance

    /// A number below `bound`.
    func draw(_ bound: Int) -> Int { Int(sim_draw(pointer, UInt64(bound))) }

    /// True `permille` times of 1,000.
    func chance(_ permille: Int) -> Bool { draw(1000) < permille }

    /// One of `choices`.
    func pick<Choice>(_ choices: [Choice]) -> Choice { choices[draw(choices.count)] }

    // MARK: Time

    var now: UInt64 { sim_now(pointer) }
    func advance(to time: UInt64) { sim_advance(pointer, time) }
    var nextCompletion: UInt64 { sim_next_completion(pointer) }

    // MARK: What happened

    var violation: String? { sim_violation(pointer).map { String(cString: $0) } }
    func violate(_ text: String) { sim_violate(pointer, text) }
    func note(_ what: StaticString, _ a: Int = 0, _ b: Int = 0, _ c: Int = 0) {
        what.withUTF8Buffer { octets in
            octets.withMemoryRebound(to: CChar.self) {
                guard let text = $0.baseAddress else { return }
                sim_note(pointer, text, Int64(a), Int64(b), Int64(c))
            }
        }
    }
    var traceHash: UInt64 { sim_trace_hash(pointer) }

    // MARK: Faults

    /// Draws what may go wrong in this run, and how often: nothing, one thing, or several.
    func drawFaults() {
        let kinds: [Fault]
        switch draw(10) {
        case 0: kinds = []
        case 1, 2, 3: kinds = [pick(Fault.allCases)]
        default: kinds = Fault.allCases.filter { _ in chance(400) }
        }
        for fault in kinds { setRate(fault, permille: pick([5, 30, 200])) }
    }

    /// Nothing goes wrong any more.
    func calm() { for fault in Fault.allCases { setRate(fault, permille: 0) } }

    func setRate(_ fault: Fault, permille: Int) {
        sim_set_rate(pointer, fault.raw, UInt32(permille))
    }
    func count(_ fault: Fault) -> UInt64 { sim_fault_count(pointer, fault.raw) }

    // MARK: Operations

    func ready() -> Int { Int(sim_ready(pointer)) }
    func move(_ index: Int) { sim_move(pointer, UInt32(index)) }
    func disturb() { sim_disturb(pointer) }
    var hasNews: Bool { sim_has_news(pointer) }
    var owed: Int { Int(sim_owed(pointer)) }
    var descriptors: Int { Int(sim_descriptors(pointer)) }

    // MARK: Clients

    /// Connects; nil when nobody accepts.
    func connect(toServer: Int, toClient: Int, network: Int) -> Int32? {
        let client = sim_connect(pointer, toServer, toClient, UInt32(network))
        return client >= 0 ? client : nil
    }
    func room(_ client: Int32) -> Int { sim_client_room(pointer, client) }
    func send(_ client: Int32, _ octets: ArraySlice<UInt8>) -> Int {
        octets.withUnsafeBufferPointer {
            sim_client_send(pointer, client, $0.baseAddress, $0.count)
        }
    }
    func hasNews(_ client: Int32) -> Bool { sim_client_has_news(pointer, client) }

    /// What a client that reads gets.
    enum Reading { case octets([UInt8]), end, reset, nothing }

    func receive(_ client: Int32, atMost count: Int) -> Reading {
        var result: Int64 = 0
        let octets = [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            result = sim_client_receive(pointer, client, buffer.baseAddress, buffer.count)
            filled = max(0, Int(result))
        }
        if result > 0 { return .octets(octets) }
        return result == 0 ? .end : result == Int64(-EAGAIN) ? .nothing : .reset
    }
    func end(_ client: Int32) { sim_client_end(pointer, client) }
    func close(_ client: Int32) { sim_client_close(pointer, client) }
    func reset(_ client: Int32) { sim_client_reset(pointer, client) }
    func connection(_ client: Int32) -> sim_connection { sim_connection_of(pointer, client) }
}

private let EAGAIN: Int32 = 11

/// What may go wrong, by its number in the kernel.
struct Fault: Hashable, CaseIterable {
    let raw: sim_fault

    static let acceptFailure = Fault(raw: SIM_ACCEPT_FAILURE)

    var name: String { String(cString: sim_fault_name(raw)) }

    static let allCases = (0..<SIM_FAULT_COUNT.rawValue).map { Fault(raw: sim_fault(rawValue: $0)) }

    static func == (left: Fault, right: Fault) -> Bool { left.raw.rawValue == right.raw.rawValue }
    func hash(into hasher: inout Hasher) { hasher.combine(raw.rawValue) }
}
