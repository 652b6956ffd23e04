//! What must hold before a right is given, each guard by its name, so that the model tests can take one away and must find out.
//!
//! Outside of those tests a guard is its condition and nothing else.

macro_rules! guards {
    ($($room:ident { $($name:ident $doc:literal,)* })*) => {
        /// A guard.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Guard { $($(#[doc = $doc] $name,)*)* }

        #[cfg(test)]
        impl Guard {
            /// All guards, each with the model of its room.
            const ALL: &'static [(Guard, fn())] =
                &[$($((Guard::$name, crate::$room::model::explore_all),)*)*];
        }
    };
}

guards! {
    approval {
        OthersVote "Nobody votes on his own request.",
        ApproversVote "Only approvers vote.",
        OneVoteOfName "Under one name one vote counts.",
        OneVoteOfKey "With one key one vote counts.",
        VoteWhileLive "Nobody votes on what is over.",
        DenialEnds "A denial ends it.",
        Lifetime "It is over when its time is.",
        EnoughVotes "As many must have allowed it as its rule says.",
        RequesterFetches "Only the requester gets the ticket.",
        SameAction "The ticket is for the action that was allowed.",
        OneTicket "There is one ticket.",
        ItsTicket "Only that ticket executes it.",
        LiveApproval "A ticket of an approval needs it alive.",
        UsedOnce "A ticket is used once.",
    }
    delegation {
        HolderPassesOn "Only who holds a right passes it on.",
        Depth "Chains end where policy says.",
        NoCircle "Nobody stands in a chain twice.",
        InOrder "A link begins while the one before is good.",
        ShortLived "Links end when policy says.",
        Narrower "No link has more than the one before.",
        EveryLink "A chain counts only if every link could be made.",
        HolderActs "Only who holds a right uses it.",
        RightInTime "A right is used in its time.",
        RightInScope "A right is used for what it covers.",
    }
}

impl Guard {
    /// Whether the condition holds.
    #[cfg(not(test))]
    pub(crate) fn holds(self, condition: bool) -> bool {
        condition
    }

    /// Whether the condition holds, or nobody looks at it.
    #[cfg(test)]
    pub(crate) fn holds(self, condition: bool) -> bool {
        condition || tests::OFF.get() == Some(self)
    }
}

#[cfg(test)]
mod tests {
    use super::Guard;
    use std::cell::Cell;

    thread_local! {
        pub(super) static OFF: Cell<Option<Guard>> = const { Cell::new(None) };
    }

    /// What a model says that goes through all orders while one guard is away; nothing where it finds nothing.
    fn without(guard: Guard, model: fn()) -> Option<String> {
        let explored = std::thread::spawn(move || {
            OFF.set(Some(guard));
            model();
        });
        let found = explored.join().err()?;
        let text = found.downcast_ref::<String>().map(String::as_str);
        text.or_else(|| found.downcast_ref::<&str>().copied()).map(str::to_owned)
    }

    #[test]
    fn every_guard_is_missed_when_it_is_away() {
        std::thread::scope(|scope| {
            let explored =
                Guard::ALL.iter().map(|(guard, model)| (guard, scope.spawn(|| without(*guard, *model))));
            for (guard, found) in explored.collect::<Vec<_>>() {
                let found = found.join().ok().flatten();
                let found = found.unwrap_or_else(|| panic!("nothing notices that {guard:?} is away"));
                // A panic of something else proves nothing.
                assert!(found.contains("broken: "), "{guard:?}: {found}");
                println!("without {guard:?}: {}", found.lines().next().unwrap_or_default());
            }
        });
    }
}
