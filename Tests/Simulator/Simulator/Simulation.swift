// SPDX-License-Identifier: Apache-2.0
internal import CSimulator
import Logging
import WSServer

/// One run of a server on a simulated kernel, with everything drawn from one seed.
package final class Simulation {
    /// What came of a run.
    package struct Outcome {
        package var seed: UInt64
        /// The rule that was broken, if one was.
        package var violation: String?
        package var traceHash: UInt64
        package var steps: Int
        package var virtualNanoseconds: UInt64
        /// How often what happened.
        package var figures: [String: Int]
    }

    private enum Phase { case traffic, settling, draining }

    private let seed: UInt64
    private let kernel: Kernel
    private let settings: Settings
    private let clients: [Client]
    /// When the server is told to go away amid the traffic.
    private let drainsAt: UInt64?
    private var isDrainedEarly = false
    private var phase = Phase.traffic
    private var phaseEnd = UInt64.max
    private var steps = 0
    private var actions: [(Client, Client.Action)] = []
    /// Nothing can happen any more unless the phase changes.
    private var isIdle = false

    private static let stepsMax = 1_000_000
    private static let settlingTime: UInt64 = 120_000_000_000
    private static let drainingDeadline: UInt64 = 8_000_000_000
    private static let drainingTime: UInt64 = 20_000_000_000
    private var calmAt = UInt64.max

    package init(seed: UInt64, printsTrace: Bool = false) {
        self.seed = seed
        sim_set_seed(seed)
        kernel = Kernel(seed: seed, printsTrace: printsTrace)
        let settings = Settings(kernel)
        let maker = ScriptMaker(kernel: kernel, settings: settings)
        self.settings = settings
        kernel.drawFaults()
        drainsAt = kernel.chance(200) ? kernel.now + UInt64(kernel.draw(5_000_000_000)) : nil
        let kernel = kernel
        clients = (0..<settings.clients).map {
            Client($0, maker.script(client: $0), kernel, settings)
        }
    }

    /// Runs from the first octet to the last.
    package func run() -> Outcome {
        kernel.world = { [unowned self] in goOn(until: $0) }
        do {
            try play()
        } catch {
            kernel.violate("the server did not start: \(error)")
        }
        return Outcome(
            seed: seed, violation: kernel.violation, traceHash: kernel.traceHash, steps: steps,
            virtualNanoseconds: kernel.now, figures: figures)
    }

    /// Has the process say which seed it was at, should it crash.
    package static func nameCrashes() { sim_name_crashes() }

    private var figures: [String: Int] {
        var figures = [
            "clients": clients.count,
            "messages echoed": clients.reduce(0) { $0 + $1.echoes },
        ]
        for fault in Fault.allCases { figures["fault: \(fault.name)"] = Int(kernel.count(fault)) }
        return figures
    }

    private func play() throws {
        var configuration = WebSocketServer.Configuration(
            limits: settings.limits, handlesSignals: false,
            log: Logger(label: "simulated") { _ in SwiftLogNoOpLogHandler() })
        configuration.backendOptions.bufferCount = settings.bufferCount
        configuration.backendOptions.bufferSize = settings.bufferSize
        configuration.backendOptions.opening = kernel.opening
        let loop = try SteppedLoop(Doors.router(Clients(all: clients)), configuration)
        while !loop.isFinished, kernel.violation == nil {
            isIdle = false
            loop.turn()
            changePhase(loop)
        }
        // What has been found says more than what its consequences break.
        guard kernel.violation == nil else { return }
        loop.end()
        checkNothingLeft(loop)
        if isDrainedEarly, let complaint = complaint() { kernel.violate(complaint) }
    }

    // MARK: Phases

    private func changePhase(_ loop: SteppedLoop) {
        switch phase {
        case .traffic:
            if let drainsAt, kernel.now >= drainsAt {
                isDrainedEarly = true
                return drain(loop)
            }
            guard isIdle || clients.allSatisfy(\.isOver) else { return }
            phase = .settling
            kernel.calm()
            phaseEnd = kernel.now + Self.settlingTime
        case .settling:
            if let complaint = complaint() {
                // Until then it may still get what it is owed.
                guard isIdle || kernel.now >= phaseEnd else { return }
                return kernel.violate(complaint)
            }
            drain(loop)
        case .draining:
            // Whatever goes wrong, the deadline holds; what went wrong for ever would not let it.
            if kernel.now >= calmAt { kernel.calm() }
            guard isIdle || kernel.now >= phaseEnd else { return }
            kernel.violate("the server does not end: \(loop.statistics)")
        }
    }

    private func drain(_ loop: SteppedLoop) {
        phase = .draining
        calmAt = kernel.now + Self.drainingDeadline
        phaseEnd = kernel.now + Self.drainingTime
        loop.drain(
            deadline: .nanoseconds(Self.drainingDeadline), notice: .seconds(kernel.draw(2)),
            jitter: .seconds(kernel.draw(3))
        ) { _ in }
    }

    private func complaint() -> String? {
        for client in clients {
            if let complaint = client.complaint(isDrained: isDrainedEarly) {
                return "client \(client.number) \(complaint)"
            }
        }
        return nil
    }

    private func checkNothingLeft(_ loop: SteppedLoop) {
        if !loop.heldNothing { kernel.violate("left: \(loop.statistics)") }
        if kernel.descriptors > 0 {
            kernel.violate("\(kernel.descriptors) descriptors are left open")
        }
        if kernel.owed > 0 { kernel.violate("\(kernel.owed) operations are left") }
    }

    // MARK: The scheduler

    /// Moves things on, in an order drawn from the seed, until the ring is to look.
    private func goOn(until deadline: UInt64) {
        // A loop that only polls leaves little time for the others.
        var stepsLeft = deadline <= kernel.now ? kernel.draw(3) : Int.max
        while stepsLeft > 0, kernel.violation == nil {
            steps += 1
            stepsLeft -= 1
            if steps > Self.stepsMax { return kernel.violate("it does not come to rest") }
            if kernel.draw(30) == 0 { kernel.disturb() }
            let ready = kernel.ready()
            actions.removeAll(keepingCapacity: true)
            for client in clients { client.addActions(&actions) }
            let possible = ready + actions.count
            if kernel.hasNews, possible == 0 || kernel.draw(4) == 0 { return }
            if possible == 0 {
                guard sleep(until: deadline) else { return }
                continue
            }
            let chosen = kernel.draw(possible)
            if chosen < ready {
                kernel.move(chosen)
            } else {
                let (client, action) = actions[chosen - ready]
                client.act(action)
            }
            kernel.advance(to: kernel.now + UInt64(kernel.draw(20_000)))
            if kernel.now >= deadline { return }
        }
    }

    /// Lets time pass until something can happen; false when the ring is to look.
    private func sleep(until deadline: UInt64) -> Bool {
        var next = min(
            deadline, kernel.nextCompletion, phaseEnd, phase == .traffic ? drainsAt ?? .max : .max)
        for client in clients { next = min(next, client.nextTime ?? .max) }
        guard next != .max else {
            isIdle = true
            return false
        }
        kernel.advance(to: next)
        return next < deadline && next < phaseEnd && !(phase == .traffic && next == drainsAt)
    }
}
