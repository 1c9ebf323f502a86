// SPDX-License-Identifier: Apache-2.0
import WSServer

/// The mistakes that can be planted in the server under test.
package enum Bugs {
    /// What they are called; none in a build that has none.
    package static var names: [String] {
        #if PLANTED_BUGS
            PlantedBug.allCases.map { "\($0)" }
        #else
            []
        #endif
    }

    /// Has the server make the mistake of this name; false when there is none.
    package static func plant(_ name: String) -> Bool {
        #if PLANTED_BUGS
            guard let bug = PlantedBug.allCases.first(where: { "\($0)" == name }) else {
                return false
            }
            bug.plant()
            return true
        #else
            return false
        #endif
    }
}
