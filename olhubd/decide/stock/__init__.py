"""What may be sold, and on which offer how much of it. Pure.

reservation   which pieces the lines of orders need, and which of them the stock master has taken off
sellable      the one number of a stock item, with the cause of each term
policy        that number on the offers of several channels
level         what is to be done with one quantity of one offer
resume        whether an offer that has ended may be brought back
brake         when so many offers change at once that a person is asked first
dispute       whether somebody else keeps changing what an offer shows
linking       which stock item an offer sells, and what makes that doubtful
alarms        which of what happened to quantities a person must hear of
"""
