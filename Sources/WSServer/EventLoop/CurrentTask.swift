// SPDX-License-Identifier: Apache-2.0
internal import CRing

/// The task that runs on this thread, by its address: compared, never followed. 0 outside tasks.
enum CurrentTask {
    static var address: UInt { UInt(bitPattern: unsafe cring_current_task()) }
}
